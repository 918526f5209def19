"""Compares what was sent with what is stored: each acknowledged record is one row, each unknown one at most one."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.clients.clickhouse import ClickHouse, ClickHouseError
from tests.faults.load import Load
from tests.faults.sent_records import ACKNOWLEDGED, REFUSED, UNKNOWN, SentRecords, SentRequests
from tests.faults.shapes import SHAPES
from tests.integration.stack import RunningStack, wait_until

Query = Callable[[str], list[tuple[Any, ...]]]
"""Rows of a SELECT. Raises `ClickHouseError`."""

EXAMPLES = 5


@dataclass
class Counts:
    """Numbers of records. `strangers`: rows that nobody sent, or that were refused; `lost_by_fault`: acknowledged, but
    deleted from the queue by a fault on purpose. `examples` describe some that are wrong.
    """

    acknowledged: int = 0
    unknown: int = 0
    refused: int = 0
    rows: int = 0
    missing: int = 0
    duplicated: int = 0
    strangers: int = 0
    lost_by_fault: int = 0
    examples: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """One sentence for each kind of violation; none is a pass."""
        found = [f"{n} records {what}" for what in ("missing", "duplicated", "strangers") if (n := getattr(self, what))]
        if not self.acknowledged:
            found.append("nothing was acknowledged: this shows nothing")
        return found + self.examples


class _Found(NamedTuple):
    """The rows of one request: their number, the number of different indices, and the largest index."""

    rows: int
    different: int
    largest: int


_NOTHING = _Found(0, 0, -1)


def count_rows(query: Query, sent: SentRecords, may_lose: Container[str] = ()) -> Counts:
    """Compare, with ClickHouse counting the rows of each request. Ids in `may_lose` may be missing."""
    counts = Counts()
    found: dict[str, dict[int, _Found]] = {}
    for table, id_of in sorted({(shape.table, shape.id_of) for shape in SHAPES}):
        for sender, turn, *numbers in query(_per_turn(table, id_of, sent.run)):
            found.setdefault(sender, {})[turn] = _Found(*numbers)
    for requests in sent:
        _count_sent(query, may_lose, requests, found.pop(requests.sender, {}), counts)
    counts.strangers += sum(each.rows for turns in found.values() for each in turns.values())
    return counts


def _per_turn(table: str, id_of: str, run: str) -> str:
    return (
        "SELECT parts[2] AS sender, toUInt32(parts[3]) AS turn,"
        " count(), uniqExact(parts[4]), max(toUInt32(parts[4]))"
        f" FROM (SELECT splitByChar('-', {id_of}) AS parts FROM {table} WHERE startsWith({id_of}, '{run}-'))"
        " GROUP BY sender, turn"
    )


def _count_sent(
    query: Query, may_lose: Container[str], requests: SentRequests, found: dict[int, _Found], counts: Counts
) -> None:
    incomplete: list[int] = []
    for turn, (outcome, size) in enumerate(zip(requests.outcomes, requests.sizes, strict=True)):
        rows = found.pop(turn, _NOTHING)
        counts.rows += rows.rows
        counts.duplicated += rows.rows - rows.different
        if rows.largest >= size or (outcome == REFUSED and rows.rows):
            counts.strangers += rows.rows
        if outcome == ACKNOWLEDGED:
            counts.acknowledged += size
            if rows.different < size:
                incomplete.append(turn)
        elif outcome == UNKNOWN:
            counts.unknown += size
        else:
            counts.refused += size
        if rows.rows != rows.different and len(counts.examples) < EXAMPLES:
            counts.examples.append(_where(query, requests, turn))
    counts.strangers += sum(rows.rows for rows in found.values())
    for some in _batched(incomplete, 1_000):
        _count_missing(query, may_lose, requests, some, counts)


def _batched(turns: list[int], size: int) -> Iterator[list[int]]:
    """Lists of at most this many."""
    return (turns[first : first + size] for first in range(0, len(turns), size))


def _count_missing(
    query: Query, may_lose: Container[str], requests: SentRequests, turns: list[int], counts: Counts
) -> None:
    """Count the missing records of these requests, and those that a fault deleted."""
    shape = requests.shape
    wanted = ", ".join(map(str, turns))
    mine = f"startsWith({shape.id_of}, '{requests.name}-')"
    there = {
        text
        for (text,) in query(
            f"SELECT {shape.id_of} FROM {shape.table} WHERE {mine}"
            f" AND toUInt32(splitByChar('-', {shape.id_of})[3]) IN ({wanted})"
        )
    }
    for turn in turns:
        names = {f"{requests.name}-{turn}-{index}" for index in range(requests.sizes[turn])}
        missing = names - there
        lost = sum(name in may_lose for name in missing)
        counts.lost_by_fault += lost
        counts.missing += len(missing) - lost
        if len(missing) > lost and len(counts.examples) < EXAMPLES:
            counts.examples.append(
                f"missing: {len(missing)} of {len(names)} rows of {requests.name}-{turn}, {lost} by a fault"
            )


def _where(query: Query, requests: SentRequests, turn: int) -> str:
    """The coordinates of the rows of a duplicated request."""
    shape = requests.shape
    rows = query(
        "SELECT _topic, _partition, _offset, count(), uniqExact(_index), uniqExact(received_at), uniqExact(_part)"
        f" FROM {shape.table} WHERE startsWith({shape.id_of}, '{requests.name}-{turn}-') GROUP BY 1, 2, 3"
    )
    told = "; ".join(
        f"{topic}-{partition}@{offset}: {n} rows, {i} indices, {times} times of receipt, {parts} parts"
        for topic, partition, offset, n, i, times, parts in rows
    )
    return f"doubled: {requests.name}-{turn}: {told}"


def assert_exactly_once(stack: RunningStack, load: Load, within_s: float = 120.0) -> None:
    """For tests that inject no faults: wait until every acknowledged record is stored, then nothing may be wrong."""
    client = ClickHouse(stack.env["SLUICE_CLICKHOUSE_URL"])

    def complete() -> Counts | None:
        try:
            counts = count_rows(client.query, load.sent)
        except ClickHouseError:
            return None  # it is being restarted
        return None if counts.missing else counts

    try:
        assert load.acknowledged, "the load got nothing acknowledged: the test would show nothing"
        counts: Counts = wait_until(complete, within_s, "every acknowledged record stored", every_s=0.5)
        assert counts.problems() == []
    finally:
        client.close()
