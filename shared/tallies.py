"""Counters for paths on which a microsecond matters: prometheus_client's take a lock for each step."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Tally:
    """Counts in a plain number, for one thread. Its counter gets the sum when somebody reads the metrics."""

    __slots__ = ("_counter", "n")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.n = 0
        """Counted since the last time: add to it."""

    def hand_over(self) -> None:
        n, self.n = self.n, 0
        self._counter.inc(n)


class Tallies(Collector):
    """The tallies of one registry. Create it before the metrics of it: it is asked first, and has none of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._made: list[Tally] = []
        registry.register(self)

    def of(self, counter: Counter) -> Tally:
        tally = Tally(counter)
        self._made.append(tally)
        return tally

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for tally in self._made:
            tally.hand_over()
        return ()
