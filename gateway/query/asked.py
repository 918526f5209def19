"""What every question about a project has in common: a query and a range of time (reading.md, "Questions")."""

from collections.abc import Callable
from dataclasses import dataclass
from time import time_ns

from gateway.query.as_of import AsOf, parse_as_of
from gateway.query.language import EVERYTHING, Condition, Cost, Language, Node, condition
from gateway.query.language.binding import Members
from gateway.query.language.parameter import parse_q
from gateway.query.parameters import Parameters
from gateway.query.range import Range, parse_range, within

Now = Callable[[], int]
"""Microseconds since the epoch."""


@dataclass(frozen=True)
class Asked:
    """The rows of a range that a query finds, in a state or as they are. `hints`: what the writer of `q` may want to
    know. `tables`: whose rows; of all tables where none is named. `arrived`: only what arrived in this range."""

    range: Range
    q: Node = EVERYTHING
    hints: tuple[str, ...] = ()
    as_of: AsOf | None = None
    tables: tuple[str, ...] = ()
    arrived: Range | None = None

    def conditions(self, language: Language, members: Members | None = None) -> list[Condition]:
        """In the terms of a signal's table. `members`: the fingerprints that were merged with one."""
        asked = [] if self.q == EVERYTHING else [condition(self.q, language.fields, members)]
        return [*within(*self.range, beside=asked), *asked, *self.state]

    @property
    def state(self) -> list[Condition]:
        """That a row is in the state which is asked for, if one is, and arrived when it should have."""
        found = [] if self.as_of is None else [self.as_of.condition]
        return found if self.arrived is None else [*found, _arrived(self.arrived)]


def _arrived(range: Range) -> Condition:
    first, last = ("fromUnixTimestamp64Micro(%(arrived_first)s)", "fromUnixTimestamp64Micro(%(arrived_last)s)")
    values = {"arrived_first": range.start, "arrived_last": range.end}
    return Condition(f"received_at >= {first} AND received_at <= {last}", values, Cost.COLUMNS)


def parse_asked(given: Parameters, language: Language, now: Now = lambda: time_ns() // 1000) -> Asked:
    """`q`, `start_time`, `end_time` or `last`, and `as_of`. What can't be used becomes an issue of `given`."""
    q = parse_q(given, language)
    return Asked(parse_range(given, now()), q.tree, q.told, parse_as_of(given), (language.table,))
