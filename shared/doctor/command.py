"""`sluice doctor`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from shared import registry as signals
from shared.clients.postgres import LockHeld, PostgresUnavailable, locked
from shared.commands.common import AsJson, DataDir, print_json, quiet, settings_beside
from shared.doctor import clickhouse, folders, postgres, queue, redis
from shared.doctor.finding import Finding, worst
from shared.migrations.run import LOCK
from shared.queue import open_queue
from shared.registry import Registry
from shared.settings import Settings
from shared.token_windows import token_windows

_LOCK_WAIT_S = 10.0

_MARKS = {"ok": "[green]✓[/green]", "warning": "[yellow]•[/yellow]", "failure": "[red]✗[/red]"}


def doctor(
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 for a warning too")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Look at everything that Sluice stands on, and say what is wrong and what to do, a line a finding: whether it can
    be reached, its version, clock and room, migrations and drift between nodes, topics and their copies. It changes
    nothing. Exit code 1: something fails."""
    quiet()
    settings = settings_beside(data_dir)
    found = asyncio.run(_look(settings, signals.load(settings.services.extensions, settings.topics.prefix)))
    if as_json:
        print_json({"state": worst(found), "findings": [each._asdict() for each in found]})
    else:
        console = Console(highlight=False, soft_wrap=True)
        for part, state, sentence in found:
            console.print(f"{_MARKS[state]} {escape(part)}: {escape(sentence)}")
    raise typer.Exit(worst(found) == "failure" or (strict and worst(found) == "warning"))


async def _look(settings: Settings, registry: Registry) -> list[Finding]:
    services = settings.services
    opened, groups = open_queue(settings), registry.groups(settings.writer.group)
    try:
        wanted = clickhouse.Wanted(settings, registry, await token_windows(opened, settings, registry))
        return [
            *await asyncio.to_thread(postgres.look, services.postgres_url),
            *await _clickhouse(wanted),
            *await queue.look(opened, registry.with_overflow),
            *await queue.look_at_groups(opened, groups),
            *await queue.look_at_other_groups(opened, groups),
            *await queue.look_at_overflow(
                opened, groups, registry.with_overflow, is_wanted=settings.gateway.lane_records_s > 0
            ),
            *await redis.look(services.redis_url),
            *folders.look(settings.sourcemaps),
        ]
    finally:
        await opened.close()


async def _clickhouse(wanted: clickhouse.Wanted) -> list[Finding]:
    try:
        async with locked(wanted.settings.services.postgres_url, LOCK, wait_s=_LOCK_WAIT_S):
            return await asyncio.to_thread(clickhouse.look, wanted)
    except LockHeld:
        return [Finding("clickhouse", "warning", "a migration is running: ask again when it is done")]
    except PostgresUnavailable:
        return await asyncio.to_thread(clickhouse.look, wanted)
