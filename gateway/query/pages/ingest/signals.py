"""What came of each signal: accepted, dropped, stored, how fresh (pages.md, "Ingest")."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.query.pages.chart import Bar, spark
from gateway.query.usage.answer import Counts
from gateway.query.usage.freshness import Fresh, Freshness
from gateway.query.usage.records import Usage

NAMES = {"llm": "calls to models", "traces": "spans", "sentry": "other items of Sentry's SDKs"}
"""Signals whose records are called otherwise."""


class SignalRow(NamedTuple):
    """`stored`: of the whole range, `counts`: of each bucket. `accepted`, `derived`, `dropped` are None while nobody
    knows."""

    name: str
    accepted: int | None
    derived: int | None
    dropped: int | None
    stored: int
    counts: list[int]
    bars: list[Bar]


class FreshRow(NamedTuple):
    """`slowest`: p99 of each bucket of the range, microseconds; None where nothing arrived."""

    name: str
    fresh: Fresh
    slowest: list[int | None]
    bars: list[Bar]


def signal_rows(usage: Usage, counts: Counts, stored_as: Mapping[str, str]) -> list[SignalRow]:
    """Of each signal that is stored, and of those of which something was dropped all the same."""
    counted = counts.counted
    known: dict[str, Counter[str]] = {"accepted": Counter(), "derived": Counter(), "dropped": Counter()}
    if counted is not None:
        for name, n in counted.accepted.items():
            known["accepted"][stored_as.get(name, name)] += n
        for name, n in counted.derived.items():
            known["derived"][stored_as.get(name, name)] += n
        for each in counted.dropped:
            known["dropped"][stored_as.get(each.signal, each.signal)] += each.records
    stored = [*dict.fromkeys(stored_as.values())]
    others = sorted({name for counter in known.values() for name in counter} - {*stored})
    rows = []
    for name in (*stored, *others):
        accepted, derived, dropped = (None if counted is None else counter[name] for counter in known.values())
        course, shown = [bucket.records.get(name, 0) for bucket in usage.buckets], NAMES.get(name, name)
        rows.append(SignalRow(shown, accepted, derived, dropped, usage.total.get(name, 0), course, spark(course)))
    return rows


def fresh_rows(usage: Usage, freshness: Freshness) -> list[FreshRow]:
    slowest = {(each.signal, each.time): round(each.p99_s * 1_000_000) for each in freshness.buckets}
    rows = []
    for fresh in freshness.signals:
        course = [slowest.get((fresh.signal, bucket.time)) for bucket in usage.buckets]
        rows.append(FreshRow(NAMES.get(fresh.signal, fresh.signal), fresh, course, spark([us or 0 for us in course])))
    return rows


def most_common(rows: Sequence[FreshRow]) -> FreshRow | None:
    """The signal of which most arrived."""
    return max(rows, key=lambda row: row.fresh.messages, default=None)
