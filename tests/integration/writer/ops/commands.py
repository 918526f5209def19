"""An operator on the writer's stage: commands in this process, or as people call them."""

import asyncio
import os
import subprocess
import sys
from typing import Any

from shared.settings import Services, Settings, Topics
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import ROOT
from tests.sluice import Ended, called
from writer.ops.audit.accounting import Counts
from writer.ops.audit.audit import audit, total
from writer.ops.operator import Operator
from writer.ops.ranges import Wanted


def operator_on(stage: Stage) -> Operator:
    services = Services(queue_url=stage.queue_url, clickhouse_url=stage.clickhouse_url, postgres_url=stage.postgres_url)
    settings = Settings(services=services, topics=Topics(prefix=stage.prefix), writer=stage.settings())
    return Operator(settings, stage.registry, stage.queue, stage.groups)


async def audited(stage: Stage, *, contents: bool = False, **wanted: Any) -> Counts:
    """The totals of an audit of the logs, or of what is wanted."""
    return total(await audit(operator_on(stage), Wanted(**{"signals": ("logs",), **wanted}), contents=contents))


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


def proven(stage: Stage) -> int:
    """The exit code of an audit that finds nothing wrong: the stage has no Postgres, so on Kafka nobody knows whether
    gateways have spools."""
    return 2 if stage.queue_url.startswith("kafka") else 0


async def sluice(stage: Stage, *arguments: str, **variables: Any) -> Ended:
    """How a command ends; its output is no terminal."""
    return await asyncio.to_thread(called, arguments, environment(stage, **variables))


async def process(stage: Stage, *arguments: str, **variables: Any) -> Ended:
    """The same in a process of its own, which may be killed."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "shared.cli", *arguments],
        env=environment(stage, **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
