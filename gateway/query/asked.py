"""What every question about a project has in common: a query and a range of time (reading.md, "Questions")."""

from collections.abc import Callable
from dataclasses import dataclass
from time import time_ns

from gateway.query.language import EVERYTHING, Condition, Language, Node, condition
from gateway.query.language.binding import Members
from gateway.query.language.parameter import parse_q
from gateway.query.parameters import Parameters
from gateway.query.range import Range, parse_range, within

Now = Callable[[], int]
"""Microseconds since the epoch."""


@dataclass(frozen=True)
class Asked:
    """The rows of a range that a query finds. `hints`: what the writer of `q` may want to know."""

    range: Range
    q: Node = EVERYTHING
    hints: tuple[str, ...] = ()

    def conditions(self, language: Language, members: Members | None = None) -> list[Condition]:
        """In the terms of a signal's table. `members`: the fingerprints that were merged with one."""
        found = within(*self.range)
        return found if self.q == EVERYTHING else [*found, condition(self.q, language.fields, members)]


def parse_asked(given: Parameters, language: Language, now: Now = lambda: time_ns() // 1000) -> Asked:
    """`q`, and `start_time`, `end_time` or `last`. What can't be used becomes an issue of `given`."""
    q = parse_q(given, language)
    return Asked(parse_range(given, now()), q.tree, q.told)
