"""Replay and redrive on the writer's stage, in this process or in one that is killed."""

import sqlite3
import time
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from rich.console import Console
from rich.progress import Progress

from shared import audit_log
from shared.clients.postgres import connect
from shared.failpoints import Failpoints
from shared.letters import Kept
from shared.queue.base import Position, QueueError
from shared.queue.sqlite import retention
from shared.registry import Registry
from shared.settings import Services, Settings, Topics
from tests.integration.writer.ops.commands import process, sluice
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import until
from tests.sluice import Ended
from writer.ops.dlq.redrive import Summary as Redriven
from writer.ops.dlq.redrive import redrive
from writer.ops.letters import Chosen, current_letters
from writer.ops.operator import Operator
from writer.ops.ranges import Wanted
from writer.ops.replay.replay import Options, Summary, replay


@dataclass
class StageOperator:
    """An operator: `stage` is what it all happens on. Postgres gives the locks."""

    stage: Stage
    postgres_url: str
    registry: Registry | None = None
    clickhouse_url: str = ""
    batch_rows: int = 100_000

    @property
    def operator(self) -> Operator:
        stage = self.stage
        services = Services(
            queue_url=stage.queue_url,
            clickhouse_url=self.clickhouse_url or stage.clickhouse_url,
            postgres_url=self.postgres_url,
        )
        settings = Settings(
            services=services, topics=Topics(prefix=stage.prefix), writer=stage.settings(batch_rows=self.batch_rows)
        )
        return Operator(settings, self.registry or stage.registry, stage.queue, stage.groups)

    async def replay(
        self,
        signal: str = "logs",
        *,
        options: Options | None = None,
        failpoints: Failpoints | None = None,
        **wanted: Any,
    ) -> Summary:
        return await replay(
            self.operator, Wanted(signals=(signal,), **wanted), options or Options(), silent(), failpoints
        )

    async def redrive(self, *, dry_run: bool = False, **chosen: Any) -> Redriven:
        signal = self.operator.registry.signals["logs"]
        return await redrive(self.operator, [signal], Chosen(**chosen), silent(), dry_run=dry_run)

    async def letters(self) -> list[Kept]:
        return await current_letters(self.stage.queue, self.stage.registry.signals["logs"].dead_letter_topic)

    def written_down(self, subject: str) -> list[tuple[str, Any]]:
        """(action, detail) of the audit log's entries about a topic, the oldest first."""
        with connect(self.postgres_url) as db:
            found = audit_log.list_entries(db, "any project", audit_log.Wanted())
        return [(each.action, each.detail) for each in found[::-1] if each.subject == subject]

    async def run(self, *arguments: str, failpoint: str = "") -> Ended:
        """The command as people call it; where a failpoint kills it, in a process of its own."""
        call = process if failpoint else sluice
        return await call(self.stage, *arguments, POSTGRES_URL=self.postgres_url, FAILPOINT=failpoint)


def silent() -> Progress:
    return Progress(console=Console(file=StringIO()))


async def drop_below(stage: Stage, offset: int) -> None:
    """As if retention had taken the logs below an offset. Embedded, only what is consumed is dropped: consume it."""
    if urlsplit(stage.queue_url).scheme == "kafka":
        admin = AIOKafkaAdminClient(bootstrap_servers=stage.queue_url.removeprefix("kafka://"))
        await admin.start()
        await admin.delete_records({TopicPartition(*stage.lane()): RecordsToDelete(before_offset=offset)})
        await admin.close()
        return
    await stage.commit(Position(offset))
    db = sqlite3.connect(stage.queue_url.removeprefix("sqlite:///"))
    with db:
        retention.drop_expired(db, time.time_ns() // 1_000_000 + 10**12)
    db.close()


async def remake(stage: Stage) -> None:
    """The topic is lost, with all that it holds, and made again."""
    if stage.queue_url.startswith("kafka://"):
        admin = AIOKafkaAdminClient(bootstrap_servers=stage.queue_url.removeprefix("kafka://"))
        await admin.start()
        await admin.delete_topics([stage.lane().topic])
        await admin.close()
    else:
        for file in queue_files(stage):
            file.unlink(missing_ok=True)
    await until(partial(is_new, stage))


async def is_new(stage: Stage) -> bool:
    try:
        await stage.make("logs", tables=False)
        await stage.queue.ping()
        return (await stage.queue.end_offsets([stage.lane()]))[stage.lane()] == 0
    except QueueError:
        return False


def queue_files(stage: Stage) -> list[Path]:
    """The queue file, and what belongs to it."""
    file = Path(stage.queue_url.removeprefix("sqlite:///"))
    return [file.with_name(file.name + end) for end in ("", "-wal", "-shm")]
