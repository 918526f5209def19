"""What was refused and dropped, by reason (pages.md, "Ingest")."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.query.pages.chart import Chart, histogram
from gateway.query.pages.ingest.reasons import DROPPED, REFUSED, UNKNOWN, Reason
from gateway.query.times import parse_time
from gateway.query.usage.counted import Counted
from gateway.query.usage.query import UsageQuery

_COLOURS = ("error", "warn", "acc", "ink", "debug")
_REST = "bar"
"""Of all reasons beyond the first ones."""


class ReasonRow(NamedTuple):
    """`signals`: of what; `css`: its colour in the chart."""

    name: str
    signals: str
    total: int
    reason: Reason
    css: str = ""


class Refusals(NamedTuple):
    """`chart` is None where nothing was refused. `names`: colour -> what it stands for."""

    refused: list[ReasonRow]
    dropped: list[ReasonRow]
    chart: Chart | None
    names: Mapping[str, str]

    @property
    def total(self) -> int:
        return sum(row.total for row in self.refused)


def refusals_of(counted: Counted, query: UsageQuery) -> Refusals:
    refused = _rows(((each.reason, each.signal, each.requests) for each in counted.refused), REFUSED)
    dropped = _rows(((each.reason, each.signal, each.records) for each in counted.dropped), DROPPED)
    colours = {row.name: _COLOURS[n] if n < len(_COLOURS) else _REST for n, row in enumerate(refused)}
    refused = [row._replace(css=colours[row.name]) for row in refused]
    names = {css: name.replace("_", " ") for name, css in colours.items() if css != _REST}
    if _REST in colours.values():
        names[_REST] = "other reasons"
    return Refusals(refused, dropped, _chart(counted, query, colours, list(names)) if refused else None, names)


def _rows(found: Iterable[tuple[str, str, int]], words: Mapping[str, Reason]) -> list[ReasonRow]:
    """One for each reason, the most frequent first."""
    counts: Counter[str] = Counter()
    signals: dict[str, list[str]] = {}
    for reason, signal, n in found:
        counts[reason] += n
        signals.setdefault(reason, []).append(signal)
    return [ReasonRow(name, ", ".join(signals[name]), n, words.get(name, UNKNOWN)) for name, n in counts.most_common()]


def _chart(counted: Counted, query: UsageQuery, colours: Mapping[str, str], kinds: Sequence[str]) -> Chart:
    stacked: dict[int, Counter[str]] = query.buckets
    for bucket in counted.buckets:
        for reason, n in bucket.refused.items():
            stacked[parse_time(bucket.time)][colours[reason]] += n
    return histogram(query.asked.range, list(stacked.items()), kinds, bucket_us=query.width.us, height=56)
