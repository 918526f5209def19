"""When what happens: visits spread over the time that is asked for, with a deploy in its middle. The same seed makes
the same visits."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from deploy.demo import cast
from deploy.demo.happenings import happen
from deploy.demo.records import Record
from deploy.demo.visit import Scene, Visit

RECENT_S = 60.0
"""What has no time of its own is reported only of what happened so short ago: it still looks like a part of its trace,
and is found with it, 5 minutes before and after it (reading.md, "One trace")."""

_DEPLOYED = 0.6
"""Where in the time the deploy is."""


@dataclass(frozen=True)
class Hour:
    """`start`, `end`: seconds since the epoch; `rate`: visits a minute. What comes after the end goes on as it was."""

    start: float
    end: float
    rate: float
    seed: int

    @property
    def deployed_at(self) -> float:
        return self.start + (self.end - self.start) * _DEPLOYED

    def visits(self) -> Iterator[Visit]:
        """In the order in which they begin, without an end. Whoever wants the past alone stops at `end`."""
        n = 0
        while True:
            yield self._visit(n)
            n += 1

    def _visit(self, n: int) -> Visit:
        chance = Random(f"{self.seed} {n}")  # noqa: S311 - no secret
        at = self.start + (n + chance.random()) * 60 / self.rate
        broken = at >= self.deployed_at
        releases = cast.RELEASES | ({"api": cast.BROKEN_RELEASE} if broken else {})
        scene = Scene(at, cast.environment(chance), releases, broken, at > self.end - RECENT_S)
        # Called otherwise each time: two hours of one seed are no repeats of each other.
        visit = Visit(scene, chance, Random(f"{self.seed} {n} {self.end}"))  # noqa: S311 - no secret
        happen(visit)
        return visit

    def deploy(self) -> list[Record]:
        """What the deploy itself says."""
        visit = self._at(self.deployed_at)
        old, new = cast.RELEASES["api"], cast.BROKEN_RELEASE
        root = visit.span("worker", "deploy api", 0, 48_000, deploy={"from": old, "to": new, "by": "ci"})
        visit.log("worker", "info", f"\x1b[1mdeploy\x1b[0m {old} \x1b[33m→\x1b[0m {new} begins", 0, root)
        visit.log("worker", "info", f"\x1b[1mdeploy\x1b[0m {new}: \x1b[32m6 of 6 healthy\x1b[0m", 48_000, root)
        return visit.records

    def _at(self, at: float) -> Visit:
        scene = Scene(at, "production", cast.RELEASES, False, False)
        return Visit(scene, Random(self.seed), Random(f"{self.seed} {at}"))  # noqa: S311 - no secret
