"""`sluice spool`: what gateways keep on their disks while Kafka is away. A gateway drains its own; one that is gone for
good leaves a disk, which is drained here (delivery.md, "The spool")."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.clients.postgres import Postgres, PostgresUnavailable
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
from shared.queue.spool.aside import NAME, files_in
from shared.queue.spool.drain import Drain
from shared.queue.spool.file import Spool, SpoolInUse, limits_of, look_at
from shared.queue.spool.rows import CorruptSpool, DamagedPiece, SpoolState
from shared.settings import Settings
from shared.spools import Spools

T = TypeVar("T")

spool = typer.Typer(help="Spools of gateways: list them, drain one whose gateway is gone.", no_args_is_help=True)

_PATH = typer.Argument(metavar="PATH", help="The folder that SLUICE_GATEWAY_SPOOL names, or a file in it")
At = Annotated[Path, _PATH]
Maybe = Annotated[Path | None, _PATH]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `sluice spool list` shows it")]
PastDamage = Annotated[
    bool, typer.Option("--past-damage", help="Tell of what can't be read, go past it, and drain what lies behind it")
]

LOST = 3
"""Exit code of a drain that went past damage."""


class Found(NamedTuple):
    """A spool's file, and what is in it; or why that can't be told. `host`, `seen`: of one that a gateway told of."""

    file: str
    state: SpoolState | None
    error: str = ""
    host: str = ""
    seen: datetime | None = None


@spool.command("list")
def list_all(path: Maybe = None, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """List the spools that gateways have told of, a few seconds ago or before they died.

    With PATH those of a folder, as they are now, and the files that were put aside there as corrupt.
    """
    settings = settings_beside(data_dir)
    quiet()
    if path is not None:
        if not path.exists():
            fail(_no_spool_at(path))
        with sentences():
            found = asyncio.run(_look(path, settings))
    else:
        with sentences(PostgresUnavailable):
            found = asyncio.run(_with_spools(settings, _known))
    if as_json:
        print_json({"spools": [_json(each) for each in found]})
        return
    table = Table("file", "id", "messages", "bytes", "oldest", "seen")
    for each in found:
        table.add_row(*_cells(each))
    wide_console().print(table)


@spool.command()
def forget(spool_id: Id, data_dir: DataDir = Path("var")) -> None:
    """Forget a spool whose file is lost, or can't be drained: what it held is given up, and audits are ok again."""
    settings = settings_beside(data_dir)
    quiet()
    with sentences(PostgresUnavailable):
        known = asyncio.run(_with_spools(settings, lambda spools: spools.forget(spool_id)))
    if not known:
        fail(f"no gateway has told of a spool {spool_id!r}: see sluice spool list")
    Console().print(f"[green]✓[/green] spool {escape(spool_id)} is forgotten", highlight=False)


@spool.command()
def drain(path: At, past_damage: PastDamage = False, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """Bring what a spool holds into Kafka, each message once; killed, run it again. Its gateway must not run.

    Exit code 3: with --past-damage, when something could not be read; each piece is told.
    """
    settings = settings_beside(data_dir)
    quiet()
    file = path / NAME if path.is_dir() else path
    if not file.exists():
        fail(_no_spool_at(file))
    lost: list[DamagedPiece] = []

    def lose(piece: DamagedPiece) -> None:
        lost.append(piece)
        _warn(str(piece))

    past = lose if past_damage else None
    with sentences(SpoolInUse, CorruptSpool):
        try:
            messages, told = with_queue(settings, lambda queue: _drain(queue, file, settings, past))
        except DamagedPiece as piece:
            fail(f"{piece}. Older ones are drained: sluice spool drain {file} --past-damage drains the others, too")
    if as_json:
        print_json(
            {"file": str(file), "drained": messages, "lost": [_lost_json(piece) for piece in lost], "told": told}
        )
    else:
        _show(file, messages, told)
    if lost:
        _tell_of_loss(lost)
        raise typer.Exit(LOST)


def _show(file: Path, messages: int, told: bool) -> None:
    """What was drained, and whether Postgres was told of it."""
    Console().print(f"[green]✓[/green] {messages:,} messages of {escape(str(file))}", highlight=False, soft_wrap=True)
    if not told:
        Console().print("[yellow]Postgres can't be told: audits name the spool until this is run again", soft_wrap=True)


async def _look(path: Path, settings: Settings) -> list[Found]:
    found = []
    for file in files_in(path):
        try:
            found.append(Found(str(file), await look_at(file, limits_of(settings))))
        except (CorruptSpool, QueueError) as error:
            found.append(Found(str(file), None, str(error)))
    return found


async def _known(spools: Spools) -> list[Found]:
    return [
        Found(each.file, SpoolState(each.id, each.messages, each.bytes, _ms(each.oldest)), "", each.host, each.seen)
        for each in await spools.all()
    ]


async def _with_spools(settings: Settings, work: Callable[[Spools], Awaitable[T]]) -> T:
    postgres = Postgres(settings.services.postgres_url, connections=1)
    try:
        return await work(Spools(postgres))
    finally:
        await postgres.close()


def _no_spool_at(path: Path) -> str:
    return f"there is no spool at {path}: name the folder that SLUICE_GATEWAY_SPOOL names, or a file in it"


def _lost_json(piece: DamagedPiece) -> dict[str, object]:
    return {"topic": piece.topic, "messages": piece.messages, "reason": str(piece)}


def _tell_of_loss(lost: Sequence[DamagedPiece]) -> None:
    by_topic: Counter[str] = Counter()
    for piece in lost:
        by_topic[piece.topic] += piece.messages
    counts = ", ".join(f"{count:,} of {topic}" for topic, count in sorted(by_topic.items()))
    _warn(f"lost, at most: {counts}")


def _warn(sentence: str) -> None:
    Console(stderr=True).print(f"[red]![/red] {escape(sentence)}", highlight=False, soft_wrap=True)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _json(found: Found) -> dict[str, object]:
    state = found.state._asdict() if found.state else {"error": found.error}
    told = {"host": found.host, "seen": found.seen} if found.seen else {}
    return {"file": found.file, **state, **told}


def _cells(found: Found) -> tuple[str, ...]:
    file, state = escape(f"{found.host}:{found.file}" if found.host else found.file), found.state
    if state is None:
        return file, f"[red]{escape(found.error)}[/red]"
    oldest = "" if state.oldest_ms is None else time_text(datetime.fromtimestamp(state.oldest_ms / 1000, UTC))
    seen = time_text(found.seen) if found.seen else ""
    return file, state.id, f"{state.messages:,}", f"{state.bytes:,}", oldest, seen


async def _drain(
    queue: Queue, file: Path, settings: Settings, on_damage: Callable[[DamagedPiece], None] | None
) -> tuple[int, bool]:
    """How many messages it held, and whether Postgres was told that it holds none."""
    if not isinstance(queue, KafkaQueue):
        raise QueueError("a spool is drained into Kafka: set SLUICE_QUEUE_URL")
    opened, drained = Spool(file, limits_of(settings)), 0

    def count(messages: int) -> None:
        nonlocal drained
        drained += messages

    reach = Failpoints(os.environ.get("SLUICE_FAILPOINT", "")).reach
    try:
        await opened.open()
        draining = Drain(opened, queue, reach, bytes_s=settings.gateway.spool_drain_bytes_s)
        await draining.run(count, on_damage)
        return drained, await _tell(opened, settings)
    finally:
        await opened.close()


async def _tell(drained: Spool, settings: Settings) -> bool:
    """Postgres may still know what a gateway told before it died."""
    state = await drained.state()
    with suppress(PostgresUnavailable):
        await _with_spools(settings, lambda spools: spools.emptied(state.id))
        return True
    return False
