"""Counts by hour, where Postgres is a list (storage.md, "Counts by hour")."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared import hourly_counts
from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.hourly_counts import HOUR_US, HourlyCounts

NOON = 490_000 * HOUR_US
"""The beginning of an hour, microseconds."""
HOUR = NOON // HOUR_US


class Kept:
    """A Postgres that keeps what is added, unless it is `away` or has no `changes` left."""

    def __init__(self) -> None:
        self.away = False
        self.changes = 1_000
        self.old = 0
        self.added: Counter[tuple[Any, ...]] = Counter()
        self.dropped_before: list[float] = []

    async def change(self, work: Callable[[Any], Awaitable[Any]], within_s: float) -> Any:
        if self.away or not self.changes:
            raise PostgresUnavailable("for this test")
        self.changes -= 1
        return await work(self)

    async def execute(self, statement: str, parameters: list[Any]) -> SimpleNamespace:
        if "DELETE" in statement:
            self.dropped_before += [parameters[0] / 3600]
            dropped = min(self.old, parameters[1])
            self.old -= dropped
            return SimpleNamespace(rowcount=dropped)
        for *counted, n in zip(*parameters, strict=True):
            self.added[tuple(counted)] += n
        return SimpleNamespace(rowcount=len(parameters[0]))


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.us = NOON

    def __call__(self) -> int:
        return self.us * 1000


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def counts(kept: Kept, hand: Hand) -> HourlyCounts:
    return HourlyCounts(cast(Postgres, kept), hand)


async def test_what_was_counted_is_added_once(counts: HourlyCounts, kept: Kept) -> None:
    counts.add("p", "logs", "refused", 1, NOON, "invalid")
    counts.add("p", "logs", "refused", 2, NOON + HOUR_US - 1, "invalid")
    counts.add("p", "logs", "refused", 4, NOON + HOUR_US, "invalid")
    counts.tally("logs", "accepted")["q"] += 3
    counts.tally("logs", "accepted")["none"] += 0
    for _ in range(2):
        await counts.flush()
    assert kept.added == {
        ("p", "logs", "refused", "invalid", HOUR): 3,
        ("p", "logs", "refused", "invalid", HOUR + 1): 4,
        ("q", "logs", "accepted", "", HOUR): 3,
    }


async def test_a_tally_belongs_to_the_hour_in_which_it_was_counted(
    counts: HourlyCounts, kept: Kept, hand: Hand
) -> None:
    tally = counts.tally("logs", "accepted")
    tally["p"] += 1
    hand.us += HOUR_US
    await counts.flush()
    tally["p"] += 10
    hand.us += HOUR_US // 2
    await counts.flush()
    assert kept.added == {("p", "logs", "accepted", "", HOUR): 1, ("p", "logs", "accepted", "", HOUR + 1): 10}


async def test_while_postgres_is_away_counts_wait(counts: HourlyCounts, kept: Kept) -> None:
    kept.away = True
    for n in range(3):
        counts.add("p", "logs", "dropped", 1, NOON, "invalid")
        counts.tally("logs", "accepted")["p"] += n
        await counts.flush()
    kept.away = False
    await counts.flush()
    assert kept.added == {("p", "logs", "dropped", "invalid", HOUR): 3, ("p", "logs", "accepted", "", HOUR): 3}


async def test_what_was_added_is_not_added_again_when_the_rest_fails(
    counts: HourlyCounts, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hourly_counts, "AT_ONCE", 2)
    for project in "abcde":
        counts.add(project, "logs", "accepted", 1, NOON)
    kept.changes = 1
    await counts.flush()
    assert sum(kept.added.values()) == 2
    kept.changes = 1_000
    await counts.flush()
    assert {project: n for (project, *_), n in kept.added.items()} == dict.fromkeys("abcde", 1)


async def test_what_there_is_no_time_for_is_added_the_next_time(
    counts: HourlyCounts, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hourly_counts, "AT_ONCE", 2)
    monkeypatch.setattr(hourly_counts, "WITHIN_S", 0.0)
    for project in "abcde":
        counts.add(project, "logs", "accepted", 1, NOON)
    added = []
    for _ in range(3):
        await counts.flush()
        added.append(sum(kept.added.values()))
    assert added == [2, 4, 5]


async def test_no_more_than_so_many_wait(
    counts: HourlyCounts, kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hourly_counts, "MOST_KEPT", 2)
    kept.away = True
    for project in ("a", "b", "c", "d"):
        counts.add(project, "logs", "accepted", 5, NOON)
    await counts.flush()
    assert "given_up=10" in capsys.readouterr().out
    counts.add("b", "logs", "accepted", 1, NOON)
    kept.away = False
    await counts.flush()
    assert {project: n for (project, *_), n in kept.added.items()} == {"a": 5, "b": 6}


async def test_the_end_adds_what_is_left_at_once(counts: HourlyCounts, kept: Kept) -> None:
    await counts.start()
    counts.tally("logs", "accepted")["p"] += 1
    async with asyncio.timeout(hourly_counts.EVERY_S / 2):
        await counts.close()
    assert sum(kept.added.values()) == 1


async def test_old_counts_are_dropped_once_an_hour(counts: HourlyCounts, kept: Kept, hand: Hand) -> None:
    for minutes in (0, 1, 59, 60, 61):
        hand.us = NOON + minutes * 60_000_000
        await counts.flush()
    assert kept.dropped_before == [HOUR - 35 * 24, HOUR + 1 - 35 * 24]


async def test_old_counts_are_dropped_in_pieces_and_keep_no_new_one_waiting(
    counts: HourlyCounts, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.old = 2 * hourly_counts.AT_ONCE + 1
    kept.changes = 1
    counts.add("p", "logs", "accepted", 1, NOON)
    await counts.flush()
    assert "old counts by hour are not dropped" in capsys.readouterr().out
    assert sum(kept.added.values()) == 1
    kept.changes = 1_000
    for _ in range(5):
        await counts.flush()
    assert (kept.old, len(kept.dropped_before), sum(kept.added.values())) == (0, 3, 1)
