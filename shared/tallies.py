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


class Observed:
    """What one thread observed, in buckets of plain numbers."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * len(bounds)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class TallyHistogram(Collector):
    """A histogram with one label, or none, each of whose values one thread observes."""

    def __init__(
        self, name: str, meaning: str, *, bounds: Sequence[float], registry: CollectorRegistry, label: str = ""
    ) -> None:
        self._name = name
        self._meaning = meaning
        self._label = label
        self._bounds = (*bounds, inf)
        self._observed: dict[str, Observed] = {}
        self._created = time()
        registry.register(self)

    def of(self, value: str = "") -> Observed:
        """Where to observe. `value`: the label's."""
        return self._observed.setdefault(value, Observed(self._bounds))

    def describe(self) -> Iterable[Metric]:
        return (self._family(),)

    def collect(self) -> Iterable[Metric]:
        family, texts = self._family(), list(map(floatToGoString, self._bounds))
        for value, observed in self._observed.items():
            labels = {self._label: value} if self._label else {}
            buckets = list(zip(texts, accumulate(observed.counts), strict=True))
            family.add_metric(list(labels.values()), buckets, observed.sum)
            family.add_sample(f"{self._name}_created", labels, self._created)
        return (family,)

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._meaning, labels=[self._label] if self._label else [])
