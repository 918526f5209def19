"""`sluice migrate`."""

import asyncio
import os
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from shared import registry
from shared import settings as all_settings
from shared.commands.common import quiet, sentences
from shared.migrations.clickhouse import Conflict
from shared.migrations.postgres import NewerDatabase
from shared.migrations.run import Report
from shared.migrations.run import migrate as run


def migrate(
    allow_destructive: Annotated[
        bool, typer.Option("--allow-destructive", help="Also drop what no signal has, and rebuild what differs.")
    ] = False,
) -> None:
    """Create or evolve the tables of Postgres and ClickHouse and the queue's topics. Safe to run twice, and by two
    processes at once; takes nothing away unless told to."""
    quiet()
    settings = all_settings.load(os.environ)
    signals = registry.load(settings.services.extensions, settings.topics.prefix)
    with sentences(Conflict, NewerDatabase):
        report = asyncio.run(run(settings, signals, allow_destructive=allow_destructive))
    show(report, Console())


def show(report: Report, console: Console) -> None:
    """Print what was done and what was not."""
    for sentence in report.done:
        console.print(f"[green]✓[/green] {escape(sentence)}", highlight=False, soft_wrap=True)
    for sentence in report.left_alone:
        console.print(f"[yellow]•[/yellow] left alone: {escape(sentence)}", highlight=False, soft_wrap=True)
    if not report.done:
        console.print("everything is up to date")
