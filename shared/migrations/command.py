"""`sluice migrate`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from shared import registry
from shared.commands.common import DataDir, fail, quiet, sentences, settings_beside
from shared.migrations.postgres import NewerDatabase
from shared.migrations.run import Report
from shared.migrations.run import migrate as run


def migrate(
    allow_destructive: Annotated[
        bool, typer.Option("--allow-destructive", help="Also drop what no signal has, and rebuild what differs.")
    ] = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Create or evolve the tables of Postgres and ClickHouse and the queue's topics. Safe to run twice, and by two
    processes at once; removes nothing without --allow-destructive. Exit code 1: a table conflicts; all else is done."""
    quiet()
    settings = settings_beside(data_dir)
    signals = registry.load(settings.services.extensions, settings.topics.prefix)
    with sentences(NewerDatabase):
        report = asyncio.run(run(settings, signals, allow_destructive=allow_destructive))
    show(report, Console())
    if report.conflicts:
        fail("\n".join(report.conflicts))


def show(report: Report, console: Console) -> None:
    """Print what was done and what was not."""
    for sentence in report.done:
        console.print(f"[green]✓[/green] {escape(sentence)}", highlight=False, soft_wrap=True)
    for sentence in report.left_alone:
        console.print(f"[yellow]•[/yellow] left alone: {escape(sentence)}", highlight=False, soft_wrap=True)
    if not report.done and not report.conflicts:
        console.print("everything is up to date")
