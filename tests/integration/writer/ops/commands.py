"""An operator on the writer's stage: commands in this process, or as people call them."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from shared.settings import Services, Settings, Topics
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import ROOT
from writer.ops.audit.accounting import Counts
from writer.ops.audit.audit import audit, total
from writer.ops.operator import Operator
from writer.ops.ranges import Wanted


def operator_on(stage: Stage) -> Operator:
    services = Services(queue_url=stage.queue_url, clickhouse_url=stage.clickhouse_url, postgres_url=stage.postgres_url)
    settings = Settings(services=services, topics=Topics(prefix=stage.prefix), writer=stage.settings())
    return Operator(settings, stage.registry, stage.queue, stage.group)


async def audited(stage: Stage, *, contents: bool = False, **wanted: Any) -> Counts:
    """The totals of an audit of the logs, or of what is wanted."""
    return total(await audit(operator_on(stage), Wanted(**{"signals": ("logs",), **wanted}), contents=contents))


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(stage: Stage, **variables: Any) -> dict[str, str]:
    """The variables of a process that works on the stage."""
    set_here = {
        "QUEUE_URL": stage.queue_url,
        "CLICKHOUSE_URL": stage.clickhouse_url,
        "TOPICS_PREFIX": stage.prefix,
        "WRITER_GROUP": stage.group,
        **variables,
    }
    return {**os.environ, **{f"SLUICE_{name}": str(value) for name, value in set_here.items()}}


async def sluice(stage: Stage, *arguments: str, **variables: Any) -> Outcome:
    """A command in a process of its own, as a person calls it; its output is no terminal."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "shared.cli", *arguments],
        env=environment(stage, **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
