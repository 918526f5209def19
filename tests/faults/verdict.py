"""The verdict on one run: acknowledged and missing 0, duplicated 0, unknown at most once, nothing from nowhere."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import msgspec

from shared.clients.clickhouse import ClickHouseError
from shared.queue.base import QueueUnavailable
from tests.faults.arena import Arena
from tests.faults.books import ACKNOWLEDGED, REFUSED, UNKNOWN, Book
from tests.faults.load import Load
from tests.faults.shapes import SHAPES
from writer.dead_letters import Letter, raw_bytes

EXAMPLES = 10


@dataclass
class Verdict:
    """Numbers of records. `lost_by_fault`: acknowledged, not there, and taken out of the queue by a fault on purpose.

    `wrong` says what must not be, in sentences; empty is a pass.
    """

    acknowledged: int = 0
    unknown: int = 0
    refused: int = 0
    rows: int = 0
    missing: int = 0
    duplicated: int = 0
    strangers: int = 0
    lost_by_fault: int = 0
    letters: int = 0
    letters_expected: int = 0
    audit: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.wrong

    @property
    def audit_word(self) -> str:
        """For a table: ok, the gaps, or that nobody asked."""
        if not self.audit:
            return "-"
        return f"{self.audit['gaps']} gaps" if self.audit.get("gaps") else "ok"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


class _Found(NamedTuple):
    """Rows of one request: all, the different indices among them, and the largest index."""

    rows: int
    different: int
    largest: int


def judge(arena: Arena, load: Load, *, within_s: float = 120.0) -> Verdict:
    """Wait until the queue is drained, then look. The load must have stopped."""
    verdict = Verdict()
    wait_drained(arena, verdict, within_s)
    found = arena.until(lambda: _rows_found(arena, load.books.run), within_s, "ClickHouse to be asked")
    for book in load.books:
        _judge_book(arena, book, found.get(book.sender, {}), verdict)
        found.pop(book.sender, None)
    for sender in found:
        verdict.wrong.append(f"rows of a sender that there isn't: {sender}")
    _judge_letters(arena, verdict)
    if load.unexpected:
        verdict.wrong.append(f"{len(load.unexpected)} unexpected answers: {load.unexpected[0]}")
    if not verdict.acknowledged:
        verdict.wrong.append("nothing was acknowledged: this run shows nothing")
    for what in ("missing", "duplicated", "strangers"):
        if n := getattr(verdict, what):
            verdict.wrong.append(f"{n} records {what}")
    return verdict


def wait_drained(arena: Arena, verdict: Verdict, within_s: float) -> None:
    """Until the group has committed the end of every lane."""

    def drained() -> bool:
        try:
            return not arena.behind()
        except (QueueUnavailable, TimeoutError):
            return False

    try:
        arena.until(drained, within_s, "every lane committed to its end")
    except AssertionError as error:
        verdict.wrong.append(f"not drained: {error}; behind: {arena.behind()}")


def _rows_found(arena: Arena, run: str) -> dict[str, dict[int, _Found]] | None:
    """sender -> turn -> what is there; None while ClickHouse doesn't answer."""
    found: dict[str, dict[int, _Found]] = {}
    try:
        for table, id_of in sorted({(shape.table, shape.id_of) for shape in SHAPES}):
            for sender, turn, *counts in arena.query(_per_turn(table, id_of, run)):
                found.setdefault(sender, {})[turn] = _Found(*counts)
    except ClickHouseError:
        return None
    return found


def _per_turn(table: str, id_of: str, run: str) -> str:
    return (
        "SELECT parts[2] AS sender, toUInt32(parts[3]) AS turn,"
        " count(), uniqExact(parts[4]), max(toUInt32(parts[4]))"
        f" FROM (SELECT splitByChar('-', {id_of}) AS parts FROM {table} WHERE startsWith({id_of}, '{run}-'))"
        " GROUP BY sender, turn"
    )


def _judge_book(arena: Arena, book: Book, found: dict[int, _Found], verdict: Verdict) -> None:
    nothing = _Found(0, 0, -1)
    for turn, (outcome, size) in enumerate(zip(book.outcomes, book.sizes, strict=True)):
        rows = found.pop(turn, nothing)
        verdict.rows += rows.rows
        verdict.duplicated += rows.rows - rows.different
        if rows.largest >= size or (outcome == REFUSED and rows.rows):
            verdict.strangers += rows.rows
        if outcome == ACKNOWLEDGED:
            verdict.acknowledged += size
            if rows.different < size:
                _judge_missing(arena, book, turn, size, verdict)
        elif outcome == UNKNOWN:
            verdict.unknown += size
        else:
            verdict.refused += size
        if rows.rows != rows.different and len(verdict.wrong) < EXAMPLES:
            verdict.wrong.append(_where(arena, book, turn))
    verdict.strangers += sum(rows.rows for rows in found.values())


def _judge_missing(arena: Arena, book: Book, turn: int, size: int, verdict: Verdict) -> None:
    """Which of a request's records are not there, and whether a fault took them."""
    prefix = f"{book.run}-{book.sender}-{turn}-"
    shape = book.shape
    rows = arena.query(f"SELECT {shape.id_of} FROM {shape.table} WHERE startsWith({shape.id_of}, '{prefix}')")
    there = {text for (text,) in rows}
    missing = [name for index in range(size) if (name := f"{prefix}{index}") not in there]
    lost = [name for name in missing if name in arena.may_lose]
    verdict.lost_by_fault += len(lost)
    verdict.missing += len(missing) - len(lost)
    if len(missing) > len(lost) and len(verdict.wrong) < EXAMPLES:
        verdict.wrong.append(f"missing: {prefix} has {len(there)} of {size} rows ({len(lost)} taken by a fault)")


def _where(arena: Arena, book: Book, turn: int) -> str:
    """Where the rows of a doubled request come from."""
    shape = book.shape
    rows = arena.query(
        "SELECT _topic, _partition, _offset, count(), uniqExact(_index), uniqExact(received_at), uniqExact(_part)"
        f" FROM {shape.table} WHERE startsWith({shape.id_of}, '{book.run}-{book.sender}-{turn}-') GROUP BY 1, 2, 3"
    )
    told = "; ".join(
        f"{topic}-{partition}@{offset}: {n} rows, {i} indices, {times} times of receipt, {parts} parts"
        for topic, partition, offset, n, i, times, parts in rows
    )
    return f"doubled: {book.run}-{book.sender}-{turn}: {told}"


def _judge_letters(arena: Arena, verdict: Verdict) -> None:
    """Each message that can't be stored has exactly one letter, and nothing else has one."""
    kept = [raw_bytes(letter).decode(errors="replace") for letter in letters(arena)]
    verdict.letters = len(kept)
    verdict.letters_expected = sum(arena.letters.values())
    counts = {text: kept.count(text) for text in arena.letters}
    if lacking := [text for text, sure in arena.letters.items() if sure and not counts[text]]:
        verdict.wrong.append(f"{len(lacking)} letters missing, the first of: {lacking[0][:200]}")
    if doubled := [text for text, n in counts.items() if n > 1]:
        verdict.wrong.append(f"{len(doubled)} letters doubled, the first of: {doubled[0][:200]}")
    if strange := [text for text in kept if text not in arena.letters]:
        verdict.wrong.append(f"{len(strange)} letters of what can be stored, the first of: {strange[0][:200]}")


def letters(arena: Arena) -> Iterator[Letter]:
    """The newest letter of every key, of all topics."""
    for signal in arena.registry.signals.values():
        lanes = arena.background.run(arena.queue.lanes([signal.dead_letter_topic]))
        ends = arena.background.run(arena.queue.end_offsets(lanes))
        newest: dict[bytes | None, bytes] = {}
        for lane, end in ends.items():
            newest |= {message.key: message.value for message in arena.messages(lane, 0, end)} if end else {}
        for value in newest.values():
            yield msgspec.json.decode(value, type=Letter)
