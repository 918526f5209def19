"""`sluice migrate`."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from shared import registry
from shared.clients.clickhouse import ClickHouse, Unreachable
from shared.clients.clickhouse_nodes import connection, nodes_of
from shared.clients.postgres import LockHeld
from shared.commands.common import DataDir, fail, quiet, sentences, settings_beside
from shared.migrations.building import Building, building
from shared.migrations.check import lacking
from shared.migrations.postgres import NewerDatabase
from shared.migrations.run import Report
from shared.migrations.run import migrate as run
from shared.migrations.statements import stored_in
from shared.registry import Registry
from shared.settings import Settings
from shared.signals.base import Table

_TIMEOUT_S = 60.0

LOOK_EVERY_S = 0.5
"""Between two looks at what ClickHouse still builds."""

UNKNOWN = 2
"""The exit code of a check that could not find out: a store is away."""

PASSES = 20
"""Of a migration that waits. What was replaced can go when all is built; a part that a merge made meanwhile may lack a
projection, and gets it in the next pass."""


def migrate(
    allow_destructive: Annotated[
        bool, typer.Option("--allow-destructive", help="Also drop what no signal has, and rebuild what differs.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait until ClickHouse has built what is new for old parts; it goes on without this")
    ] = True,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only say what there is to do. Exit code 1: something; 2: unknown"),
    ] = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Create or evolve the tables of Postgres and ClickHouse and the queue's topics. Safe to run twice, by two
    processes at once, and again after it was killed; removes nothing without --allow-destructive. Exit code 1: a table
    conflicts; all else is done."""
    quiet()
    settings = settings_beside(data_dir)
    signals = registry.load(settings.services.extensions, settings.topics.prefix)
    console = Console()
    if check:
        _check(settings, signals, console)
        return

    def once() -> Report:
        return asyncio.run(run(settings, signals, allow_destructive=allow_destructive))

    with sentences(NewerDatabase):
        report = once()
        show(report, console)
        for _ in range(PASSES if wait else 0):
            if not follow(settings, signals.tables, console) and not report.waiting:
                break
            time.sleep(LOOK_EVERY_S if report.waiting else 0)
            report = once()
            if report.done:
                show(report, console)
    if report.conflicts:
        fail("\n".join(report.conflicts))


def _check(settings: Settings, signals: Registry, console: Console) -> None:
    with sentences(code=UNKNOWN):
        try:
            found = asyncio.run(lacking(settings, signals))
        except LockHeld:
            fail("a migration is running")
    if found:
        fail("\n".join([*found, "run `sluice migrate`"]))
    console.print("everything is up to date")


def show(report: Report, console: Console) -> None:
    """Print what was done and what was not."""
    for sentence in report.done:
        console.print(f"[green]✓[/green] {escape(sentence)}", highlight=False, soft_wrap=True)
    for sentence in report.left_alone:
        console.print(f"[yellow]•[/yellow] left alone: {escape(sentence)}", highlight=False, soft_wrap=True)
    for sentence in report.waiting:
        console.print(f"[yellow]•[/yellow] later: {escape(sentence)}", highlight=False, soft_wrap=True)
    if not report.done and not report.conflicts and not report.waiting:
        console.print("everything is up to date")


def follow(settings: Settings, tables: Iterable[Table], console: Console) -> bool:
    """Print what ClickHouse still builds until that is done; whether there was anything. Raises `ClickHouseError`.

    The server builds by itself: whoever ends this command stops nothing.
    """
    stored = [stored_in(table, settings.storage) for table in tables]
    url = settings.services.clickhouse_url
    with closing(ClickHouse(url)) as server:
        if not settings.storage.is_each_node:
            return _follow(server, "", stored, console)
        nodes = nodes_of(server, settings.storage.cluster)
    found = False
    for node in nodes:
        with suppress(Unreachable), connection(url, node, timeout_s=_TIMEOUT_S) as there:  # the run has named it
            found |= _follow(there, f"{node}: ", stored, console)
    return found


def _follow(server: ClickHouse, named: str, stored: Sequence[str], console: Console) -> bool:
    said: dict[tuple[str, str], Building] = {}
    while left := building(server, server.database, stored):
        for each in left:
            if said.get(each.key) != each:
                said[each.key] = each
                console.print(f"  {named}{escape(each.sentence)}", highlight=False, soft_wrap=True)
        time.sleep(LOOK_EVERY_S)
    return bool(said)
