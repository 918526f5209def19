"""`sluice group` as people and programs call it; the contract's tests show the same on Kafka."""

import asyncio
import json
from pathlib import Path

from shared import settings
from shared.queue import open_queue
from shared.queue.base import Lane, Position
from shared.registry import load
from tests.contract.members import joined
from tests.sluice import called
from tests.topics import topic_spec


def group_command(url: str, prefix: str, *arguments: str, writers: str = "sluice-writer") -> tuple[int, str]:
    """(exit code, everything it said)."""
    beside = {"SLUICE_QUEUE_URL": url, "SLUICE_TOPICS_PREFIX": prefix, "SLUICE_WRITER_GROUP": writers}
    ended = called(["group", *arguments], beside)
    return ended.code, ended.out + ended.err


async def test_a_group_is_listed_refused_while_in_use_and_forgotten(tmp_path: Path, topic_prefix: str) -> None:
    url = f"sqlite:///{tmp_path}/queue.db"
    queue = open_queue(settings.load({"SLUICE_QUEUE_URL": url}))
    name, lane = f"{topic_prefix}readers", Lane(load(None, topic_prefix).signals["logs"].topic, 0)
    await queue.create_topics([topic_spec(lane.topic, partitions=1)])
    producer = queue.producer()
    await producer.start()
    await asyncio.gather(*(producer.publish(lane.topic, b"message") for _ in range(5)))
    await producer.stop()

    async def run(*arguments: str, **options: str) -> tuple[int, str]:
        return await asyncio.to_thread(group_command, url, topic_prefix, *arguments, **options)

    async with joined(queue, name, [lane.topic]) as member:
        await member.until_owning(1)
        await member.consumer.commit(lane, Position(3), member.consumer.epochs()[lane])
        keep = asyncio.create_task(member.until(lambda: False))
        code, said = await run("list", "--json")
        assert (code, json.loads(said)) == (0, {"groups": [{"name": name, "members": 1, "behind": 2}]})
        code, said = await run("forget", name)
        assert code == 1
        assert "stop them first" in said
        keep.cancel()
    code, said = await run("forget", name, writers=f"{name}.{{signal}}")
    assert code == 1
    assert "lanes still go on from the position" in said
    assert (await run("forget", name))[0] == 0
    assert json.loads((await run("list", "--json"))[1]) == {"groups": []}
    code, said = await run("forget", "sluice-writer")
    assert code == 1
    assert "--yes" in said
    await queue.close()
