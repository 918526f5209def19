"""Metrics for paths on which a microsecond matters: prometheus_client's take a lock for each step."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf
from time import time

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


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


class TallyHistogram(Collector):
    """A histogram without labels that one thread observes."""

    def __init__(self, name: str, meaning: str, *, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._meaning = meaning
        self._bounds = (*bounds, inf)
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0
        self._created = time()
        registry.register(self)

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def describe(self) -> Iterable[Metric]:
        return (HistogramMetricFamily(self._name, self._meaning),)

    def collect(self) -> Iterable[Metric]:
        buckets = list(zip(map(floatToGoString, self._bounds), accumulate(self._counts), strict=True))
        family = HistogramMetricFamily(self._name, self._meaning, buckets, self._sum)
        family.add_sample(f"{self._name}_created", {}, self._created)
        return (family,)
