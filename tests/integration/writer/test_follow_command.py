"""`sluice logs --follow` beside a writer: what is stored by now, then what comes, each once (reading.md, "Tail")."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE

from tests.integration.writer.records import logs
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import ROOT


def log_of(message: str) -> bytes:
    return logs(message, received_at=time.time_ns() // 1000)


def hears_ctrl_c() -> None:
    """A shell lets its background jobs ignore it, and they their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def follow(stage: Stage, *arguments: str) -> asyncio.subprocess.Process:
    """In a pipe. Postgres isn't there, and isn't needed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    settings = {
        "SLUICE_CLICKHOUSE_URL": stage.clickhouse_url,
        "SLUICE_QUEUE_URL": stage.queue_url,
        "SLUICE_TOPICS_PREFIX": stage.prefix,
        "SLUICE_WRITER_GROUP": stage.group,
        "SLUICE_POSTGRES_URL": stage.postgres_url,
        "SLUICE_DATA_DIR": str(stage.folder),
    }
    command = [sys.executable, "-m", "shared.cli", "logs", "--follow", "--project", "p1", *arguments]
    return await asyncio.create_subprocess_exec(
        *command, env=clean | {"PYTHONPATH": str(ROOT)} | settings, stdout=PIPE, stderr=PIPE, preexec_fn=hears_ctrl_c
    )


async def lines(process: asyncio.subprocess.Process, n: int) -> list[str]:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return [(await process.stdout.readline()).decode().rstrip("\n") for _ in range(n)]


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, bytes, bytes]:
    """(exit code, the rest of what it printed, what it said)."""
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out, err


async def test_what_is_stored_and_what_comes_is_printed_once(stage: Stage) -> None:
    await stage.make("logs", "drain")
    before, after = [f"before {n}" for n in range(12)], [f"after {n}" for n in range(30)]
    async with stage.writer():
        for message in before:
            await stage.publish(log_of(message))
        await stage.until_committed(len(before))
    process = await follow(stage, "--json")
    assert [json.loads(line)["message"] for line in await lines(process, 10)] == before[2:]
    await stage.publish(*map(log_of, after[:10]))
    with stage.spawn(failpoint="after_insert=kill") as killed:
        await killed.ended()
    async with stage.writer():
        await stage.publish(*map(log_of, after[10:]))
        found = [json.loads(line)["message"] for line in await lines(process, len(after))]
    assert sorted(found) == sorted(after)
    process.send_signal(signal.SIGINT)
    assert await ended(process) == (0, b"", b"")


async def test_a_query_narrows_what_comes(stage: Stage) -> None:
    await stage.make("logs", "drain")
    process = await follow(stage, "wanted")
    async with stage.writer():
        published = 0

        async def publish_until_shown() -> None:
            nonlocal published
            while True:  # what comes before it follows is none of its business
                await stage.publish(log_of("other"), log_of("wanted"))
                published += 1
                await asyncio.sleep(0.2)

        publishing = asyncio.create_task(publish_until_shown())
        shown = await lines(process, 2)
        publishing.cancel()
    assert [line.split()[-2:] for line in shown] == [["info", "wanted"]] * 2  # with a date where it was there before
    process.send_signal(signal.SIGINT)
    code, _, said = await ended(process)
    assert (code, said) == (0, b"")
