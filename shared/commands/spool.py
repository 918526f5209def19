"""`sluice spool`: what gateways keep on their disks while Kafka is away. A gateway drains its own; one that is gone for
good leaves a disk, which is drained here (delivery.md, "The spool")."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.commands.common import (
    AsJson,
    DataDir,
    fail,
    print_json,
    quiet,
    sentences,
    settings_beside,
    time_text,
    wide_console,
    with_queue,
)
from shared.failpoints import Failpoints
from shared.queue.base import Queue, QueueError
from shared.queue.kafka import KafkaQueue
from shared.queue.spool.drain import Drain
from shared.queue.spool.file import NAME, Spool, SpoolInUse, files_in, limits_of, look_at
from shared.queue.spool.rows import CorruptSpool, SpoolState
from shared.settings import Settings

spool = typer.Typer(help="Spools of gateways: list them, drain one whose gateway is gone.", no_args_is_help=True)

At = Annotated[Path, typer.Argument(metavar="PATH", help="The folder that SLUICE_GATEWAY_SPOOL names, or a file in it")]


class Found(NamedTuple):
    """A spool's file, and what is in it; or why that can't be told."""

    file: Path
    state: SpoolState | None
    error: str = ""


@spool.command("list")
def list_all(path: At, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """List the spools of a folder and what they hold: the gateway's, and those that were put aside as corrupt."""
    settings = settings_beside(data_dir)
    quiet()
    found = asyncio.run(_look(path, settings))
    if as_json:
        print_json({"spools": [_json(each) for each in found]})
        return
    table = Table("file", "id", "messages", "bytes", "oldest")
    for file, state, error in found:
        if state is None:
            table.add_row(escape(str(file)), f"[red]{escape(error)}[/red]", "", "", "")
        else:
            oldest = "" if state.oldest_ms is None else time_text(datetime.fromtimestamp(state.oldest_ms / 1000, UTC))
            table.add_row(escape(str(file)), state.id, f"{state.messages:,}", f"{state.bytes:,}", oldest)
    wide_console().print(table)


@spool.command()
def drain(path: At, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """Bring what a spool holds into Kafka, each message once; killed, run it again. Its gateway must not run."""
    settings = settings_beside(data_dir)
    quiet()
    file = path / NAME if path.is_dir() else path
    if not file.exists():
        fail(f"there is no spool at {file}: name the folder that SLUICE_GATEWAY_SPOOL names, or a file in it")
    with sentences(SpoolInUse, CorruptSpool):
        messages = with_queue(settings, lambda queue: _drain(queue, file, settings))
    if as_json:
        print_json({"file": str(file), "drained": messages})
        return
    Console().print(f"[green]✓[/green] {messages:,} messages of {escape(str(file))}", highlight=False, soft_wrap=True)


async def _look(path: Path, settings: Settings) -> list[Found]:
    found = []
    for file in files_in(path):
        try:
            found.append(Found(file, await look_at(file, limits_of(settings))))
        except (CorruptSpool, QueueError) as error:
            found.append(Found(file, None, str(error)))
    return found


def _json(found: Found) -> dict[str, object]:
    state = found.state._asdict() if found.state else {"error": found.error}
    return {"file": str(found.file), **state}


async def _drain(queue: Queue, file: Path, settings: Settings) -> int:
    """How many messages it held."""
    if not isinstance(queue, KafkaQueue):
        raise QueueError("a spool is drained into Kafka: set SLUICE_QUEUE_URL")
    opened, drained = Spool(file, limits_of(settings)), 0

    def count(messages: int) -> None:
        nonlocal drained
        drained += messages

    reach = Failpoints(os.environ.get("SLUICE_FAILPOINT", "")).reach
    try:
        await opened.open()
        await Drain(opened, queue, reach, bytes_s=settings.gateway.spool_drain_bytes_s).run(count)
    finally:
        await opened.close()
    return drained
