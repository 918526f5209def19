"""What the operator's commands share: the Sluice that they work on, their options, and how they end when it is away."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from shared import registry
from shared.clients.postgres import Postgres
from shared.commands.common import quiet, sentences, settings_beside, with_queue
from shared.queue.base import Queue
from shared.queue.writer_groups import WriterGroups
from shared.registry import BadExtension, Registry
from shared.settings import Settings
from writer.ops.ranges import BadRange, Wanted, parse_moment, parse_offsets
from writer.rules_book import RulesBook, RulesUnavailable
from writer.tables import MissingTable, UnfitTable

T = TypeVar("T")

AWAY = 2
"""Exit code of a command that could not find out, so that 1 means that it found a difference."""

SignalNames = Annotated[
    list[str] | None, typer.Option("--signal", help="Only this signal; may be given several times", metavar="SIGNAL")
]
Partitions = Annotated[
    list[int] | None, typer.Option("--partition", min=0, help="Only this partition; may be given several times")
]
From = Annotated[
    str | None,
    typer.Option("--from", help="Messages that the queue took at or after this time: ISO 8601, epoch, or 2h (ago)"),
]
To = Annotated[str | None, typer.Option("--to", help="Messages that the queue took before this time")]
Offsets = Annotated[str | None, typer.Option("--offsets", help="Only these offsets, both included", metavar="A-B")]
Group = Annotated[
    str | None, typer.Option("--group", help="The writers' consumer group; left out: SLUICE_WRITER_GROUP")
]


@dataclass(frozen=True)
class Operator:
    """An operator's access to one Sluice; `groups` are those of the writers."""

    settings: Settings
    registry: Registry
    queue: Queue
    groups: WriterGroups

    def rules_book(self) -> RulesBook:
        """A book of its own, to be closed."""
        return RulesBook(Postgres(self.settings.services.postgres_url, connections=1))


def operate(
    data_dir: Path, work: Callable[[Operator], Awaitable[T]], *, group: str | None = None, away: int = AWAY
) -> T:
    """Run a command's work on an event loop of its own; the queue is closed afterwards.

    Ends the command with a sentence and the exit code `away` when a neighbour can't be reached, or the signal, topic or
    table doesn't exist.
    """
    quiet()
    with sentences(BadRange, BadExtension, MissingTable, UnfitTable, RulesUnavailable, code=away):
        settings = settings_beside(data_dir)
        known = registry.load(settings.services.extensions, settings.topics.prefix)
        groups = known.groups(group or settings.writer.group)
        return with_queue(settings, lambda queue: work(Operator(settings, known, queue, groups)))


def wanted_of(
    signals: list[str] | None,
    partitions: list[int] | None = None,
    since: str | None = None,
    until: str | None = None,
    offsets: str | None = None,
) -> Wanted:
    """The options of a command as one value. Raises `typer.BadParameter`."""
    now = datetime.fromtimestamp(time.time(), UTC)
    try:
        wanted = Wanted(
            signals=tuple(signals or ()),
            partitions=tuple(partitions or ()),
            from_ms=parse_moment(since, now) if since else None,
            to_ms=parse_moment(until, now) if until else None,
            offsets=parse_offsets(offsets) if offsets else None,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if wanted.from_ms is not None and wanted.to_ms is not None and wanted.from_ms >= wanted.to_ms:
        raise typer.BadParameter("--from must be before --to")
    return wanted
