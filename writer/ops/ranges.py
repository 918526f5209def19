"""Which lanes an operator's command covers, and which offsets of each (delivery.md, "Replay, redrive, audit")."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.durations import parse_duration
from shared.formats.values import microseconds
from shared.queue.base import Lane, Queue
from shared.queue.lane_state import LaneState, lane_states
from shared.queue.writer_groups import WriterGroups
from shared.registry import Registry, UnknownSignal
from shared.signals.base import Signal

_EPOCH_DIGITS = {10: 1_000, 13: 1, 16: 0.001}
"""Digits of a time of this century as seconds, milliseconds or microseconds since the epoch -> milliseconds of one."""


class BadRange(Exception):
    """What was asked for doesn't exist; the text says what does."""


@dataclass(frozen=True)
class Wanted:
    """What a command was asked to cover. What is left out is not limited."""

    signals: tuple[str, ...] = ()
    partitions: tuple[int, ...] = ()
    from_ms: int | None = None
    """Messages that the queue took at or after this time, Unix milliseconds ..."""
    to_ms: int | None = None
    """... and before this one."""
    offsets: tuple[int, int] | None = None
    """First and last offset, both included."""


@dataclass(frozen=True)
class LaneRange:
    """The offsets `first <= offset < end` of a lane, all of them committed by the writers."""

    signal: Signal
    lane: Lane
    first: int
    end: int
    state: LaneState
    lost: tuple[int, int] = (0, 0)
    """Offsets `[from, to)` that retention took and no writer has noticed yet; equal for none."""

    def __len__(self) -> int:
        return self.end - self.first


async def cover(queue: Queue, registry: Registry, groups: WriterGroups, wanted: Wanted) -> list[LaneRange]:
    """The ranges of a command, in order of signal and partition. No group is touched.

    Raises:
        BadRange: no such signal, topic or partition.
        QueueUnavailable
    """
    chosen = await wanted_lanes(queue, registry, wanted)
    lanes = [lane for _, lane in chosen]
    states = await lane_states(queue, groups, lanes)
    since, until = await _at(queue, lanes, wanted.from_ms), await _at(queue, lanes, wanted.to_ms)
    return [
        cut(signal, lane, states[lane], since.get(lane), until.get(lane), wanted.offsets) for signal, lane in chosen
    ]


async def wanted_lanes(queue: Queue, registry: Registry, wanted: Wanted) -> list[tuple[Signal, Lane]]:
    """The lanes of the wanted signals and partitions, in that order. Offsets are those of one topic: with them `logs`
    does not mean `logs.overflow` too. Raises `BadRange`, `QueueUnavailable`."""
    found = signals_of(registry, wanted.signals)
    if wanted.offsets and wanted.signals:
        found = [signal for signal in found if signal.full_name in wanted.signals]
    signals = {signal.topic: signal for signal in found}
    lanes = await queue.lanes(signals)
    _refuse_missing(signals, lanes, wanted)
    return [
        (signal, lane)
        for topic, signal in signals.items()
        for lane in lanes
        if lane.topic == topic and (not wanted.partitions or lane.partition in wanted.partitions)
    ]


async def _at(queue: Queue, lanes: list[Lane], moment_ms: int | None) -> dict[Lane, int]:
    return {} if moment_ms is None else await queue.offsets_at(lanes, moment_ms)


def cut(
    signal: Signal,
    lane: Lane,
    state: LaneState,
    since: int | None = None,
    until: int | None = None,
    offsets: tuple[int, int] | None = None,
) -> LaneRange:
    """One lane's range: what was asked for, limited to what the queue still holds and the writers have committed.

    `since` and `until`: the first offsets appended at or after the times asked for; `offsets`: both included.
    """
    first, end, lost = state.begin, state.goes_on_at, state.lost
    if since is not None:
        first = max(first, since)
        lost = lost if since <= state.begin else (0, 0)  # what came before the first message is older still
    if until is not None:
        end = min(end, until)
    if offsets is not None:
        first, end = _overlap((first, end), offsets)
        lost = _overlap(lost, offsets)
    return LaneRange(signal, lane, first, max(first, end), state, lost if lost[0] < lost[1] else (0, 0))


def _overlap(span: tuple[int, int], offsets: tuple[int, int]) -> tuple[int, int]:
    """`span` excludes its end, `offsets` includes its last; an end that is not above the first means nothing."""
    return max(span[0], offsets[0]), min(span[1], offsets[1] + 1)


def part_of_gap(gap: tuple[int, int], noticed_ms: int, wanted: Wanted) -> tuple[int, int]:
    """The part of a gap `[first, end)` that was asked for; equal numbers for nothing. The times of its messages are
    gone with them: what counts is when it was noticed."""
    if wanted.from_ms is not None and noticed_ms < wanted.from_ms:
        return 0, 0
    if wanted.to_ms is not None and noticed_ms >= wanted.to_ms:
        return 0, 0
    if wanted.offsets is None:
        return gap
    first, end = _overlap(gap, wanted.offsets)
    return (first, end) if first < end else (0, 0)


def parse_moment(text: str, now: datetime) -> int:
    """A time as people write it -> Unix milliseconds.

    ISO 8601 (UTC where it names no offset), digits since the epoch (seconds, milliseconds or microseconds), or how
    long ago: `90s`, `30m`, `2h`, `7d`. Raises `ValueError` with a sentence.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and (factor := _EPOCH_DIGITS.get(len(text))):
        return int(int(text) * factor)
    with suppress(ValueError):
        return microseconds(now) // 1000 - parse_duration(text) // timedelta(milliseconds=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2026-01-15T10:30:00Z, 2h (ago) or seconds since 1970") from None
    return microseconds(moment) // 1000


def parse_offsets(text: str) -> tuple[int, int]:
    """`100-199`, both included, or one offset alone. Raises `ValueError` with a sentence."""
    first, dash, last = text.partition("-")
    numbers = (first, last) if dash else (first, first)
    if not all(number.isascii() and number.isdigit() for number in numbers) or int(numbers[0]) > int(numbers[1]):
        raise ValueError(f"{text!r} is no range of offsets: write 100-199, both included")
    return int(numbers[0]), int(numbers[1])


def signals_of(registry: Registry, names: Iterable[str]) -> list[Signal]:
    """`Registry.named`. Raises `BadRange`."""
    try:
        return registry.named([*names])
    except UnknownSignal as error:
        raise BadRange(str(error)) from error


def _refuse_missing(signals: Mapping[str, Signal], lanes: list[Lane], wanted: Wanted) -> None:
    there = {lane.topic for lane in lanes}
    missing = [
        topic
        for topic, signal in signals.items()
        if topic not in there and (not signal.is_overflow or signal.full_name in wanted.signals)
    ]
    if missing and (wanted.signals or not there):
        raise BadRange(f"the queue has no topic {missing[0]!r}: run `sluice migrate`")
    partitions = {lane.partition for lane in lanes}
    if unknown := [number for number in wanted.partitions if number not in partitions]:
        raise BadRange(f"no topic has a partition {unknown[0]}; they go up to {max(partitions)}")
