"""`sluice migrate`."""

import asyncio
import os
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from shared import logging_setup, registry
from shared import settings as all_settings
from shared.clients.clickhouse import ClickHouseError
from shared.clients.postgres import LockHeld, PostgresUnavailable
from shared.migrations.clickhouse import Conflict
from shared.migrations.postgres import NewerDatabase
from shared.migrations.run import Report
from shared.migrations.run import migrate as run
from shared.queue.base import QueueError

_SERVER_NOISE = "Stack trace:"


def migrate(
    allow_destructive: Annotated[
        bool, typer.Option("--allow-destructive", help="Also drop what no signal has, and rebuild what differs.")
    ] = False,
) -> None:
    """Create or evolve the tables of Postgres and ClickHouse and the queue's topics. Safe to run twice, and by two
    processes at once; takes nothing away unless told to."""
    logging_setup.configure("ERROR")  # the drivers' warnings say less well what the exception says
    settings = all_settings.load(os.environ)
    signals = registry.load(settings.services.extensions, settings.topics.prefix)
    try:
        report = asyncio.run(run(settings, signals, allow_destructive=allow_destructive))
    except PostgresUnavailable as error:
        _fail("Postgres", error)
    except ClickHouseError as error:
        _fail("ClickHouse", error)
    except (QueueError, ValueError) as error:
        _fail("queue", error)
    except (Conflict, NewerDatabase, LockHeld) as error:
        _fail("not migrated", error)
    else:
        show(report, Console())


def _fail(whose: str, error: Exception) -> NoReturn:
    text = str(error).partition(_SERVER_NOISE)[0].strip()
    Console(stderr=True).print(f"[red]{whose}:[/red] {escape(text)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1) from error


def show(report: Report, console: Console) -> None:
    """Print what was done and what was not."""
    for sentence in report.done:
        console.print(f"[green]✓[/green] {escape(sentence)}", highlight=False, soft_wrap=True)
    for sentence in report.left_alone:
        console.print(f"[yellow]•[/yellow] left alone: {escape(sentence)}", highlight=False, soft_wrap=True)
    if not report.done:
        console.print("everything is up to date")
