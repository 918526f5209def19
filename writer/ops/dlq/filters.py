"""The options by which `sluice dlq` chooses letters, declared once for all its commands."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

import typer

from writer.ops.letters import Chosen
from writer.ops.operator import From, Offsets, Partitions, SignalNames, To, wanted_of

REASONS = ("undecodable", "unconvertible", "refused")
STATES = ("open", "redriven", "purged", "gap", "unknown")

Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help=f"Only these: {', '.join(REASONS)}; may be given several times")
]
States = Annotated[
    list[str] | None, typer.Option("--state", help=f"Only these: {', '.join(STATES)}; left out: open and gap")
]
Keys = Annotated[
    list[str] | None, typer.Option("--key", metavar="KEY", help="Only this letter; may be given several times")
]
Offset = Annotated[int | None, typer.Option("--offset", min=0, help="Only letters of this message", metavar="N")]


@dataclass(frozen=True)
class Filters:
    """What every command takes. Each field is an option."""

    signal: SignalNames = None
    reason: Reasons = None
    partition: Partitions = None
    offset: Offset = None
    offsets: Offsets = None
    since: From = None
    until: To = None

    def chosen(self, *, states: Collection[str] = (), keys: Collection[str] = ()) -> Chosen:
        """Raises `typer.BadParameter`."""
        for name, given, known in (("reason", self.reason or (), REASONS), ("state", states, STATES)):
            if unknown := [text for text in given if text not in known]:
                raise typer.BadParameter(f"there is no {name} {unknown[0]!r}; there are {', '.join(known)}")
        wanted = wanted_of(None, self.partition, self.since, self.until, self.offsets)
        return Chosen(
            states=frozenset(states),
            reasons=frozenset(self.reason or ()),
            keys=frozenset(keys),
            partitions=frozenset(wanted.partitions),
            offsets=wanted.offsets if self.offset is None else (self.offset, self.offset),
            from_ms=wanted.from_ms,
            to_ms=wanted.to_ms,
        )


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first parameter is a `Filters`, as Typer wants it: each field an option of its own."""
    fields = inspect.signature(Filters).parameters
    _, *own = inspect.signature(command).parameters.values()

    @wraps(command)
    def called(**options: Any) -> None:
        filters = Filters(**{name: options.pop(name) for name in fields})
        command(filters, **options)

    called.__signature__ = inspect.Signature([*fields.values(), *own])  # type: ignore[attr-defined]
    return called
