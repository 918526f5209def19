"""When a group opens again by itself (reading.md, "When a group opens again")."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from gateway.query.triage.judge import MINUTE, Event, ended, over, regression
from shared.error_states import Limit, Reopened, State

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
RESOLVED = State("resolved", NOON)
IN_2 = State("resolved", NOON, in_release="2")
SEEN = {"1": NOON - timedelta(days=9), "2": NOON - timedelta(days=1), "3": NOON + MINUTE}


def event(minutes: float, release: str = "") -> Event:
    return Event(NOON + minutes * MINUTE, f"e{minutes}", release)


def test_the_first_event_after_it_was_resolved_opens_a_group() -> None:
    opened = regression(RESOLVED, [event(9, "1"), event(3, "2"), event(-1)], {})
    assert opened == Reopened(NOON + 3 * MINUTE, "regressed", "e3", "2")


@pytest.mark.parametrize("minutes", [-60 * 24, -1, 0])
def test_an_event_from_before_it_was_resolved_does_not_however_late_it_came(minutes: float) -> None:
    assert regression(RESOLVED, [event(minutes)], {}) is None


@pytest.mark.parametrize(("release", "opens"), [("1", False), ("2", True), ("3", True), ("", True), ("never", True)])
def test_only_an_older_release_than_the_fix_is_no_regression(release: str, opens: bool) -> None:
    assert (regression(IN_2, [event(5, release)], SEEN) is not None) == opens


@pytest.mark.parametrize("release", ["1", "3", "never"])
def test_before_the_fix_was_seen_every_release_is_older(release: str) -> None:
    assert regression(State("resolved", NOON, in_release="next"), [event(5, release)], SEEN) is None


def test_the_event_of_a_newer_release_opens_a_group_that_older_ones_did_not() -> None:
    opened = regression(IN_2, [event(1, "1"), event(2, "3")], SEEN)
    assert opened is not None
    assert opened.event_id == "e2"


def test_names_of_releases_say_nothing_of_their_order() -> None:
    seen = {"9f3c": NOON - MINUTE, "0a1b": NOON}
    state = State("resolved", NOON, in_release="0a1b")
    assert regression(state, [event(1, "9f3c")], seen) is None
    assert regression(state, [event(1, "0a1b")], seen) is not None


def test_a_limit_is_reached_within_its_minutes_only() -> None:
    limit = Limit(count=5, minutes=3)
    assert over(limit, {NOON: 2, NOON + 3 * MINUTE: 2, NOON + 6 * MINUTE: 4}) is None
    assert over(limit, {NOON: 2, NOON + 2 * MINUTE: 3}) == NOON + 2 * MINUTE
    assert over(limit, {}) is None


def test_a_limit_is_reached_where_counting_each_window_says_so() -> None:
    random = Random(5)
    for _ in range(300):
        limit = Limit(count=random.randint(1, 12), minutes=random.randint(1, 6))
        counts = {NOON + random.randrange(30) * MINUTE: random.randint(1, 5) for _ in range(random.randrange(12))}
        reached = [
            at
            for at in sorted(counts)
            if sum(n for other, n in counts.items() if at - limit.minutes * MINUTE < other <= at) >= limit.count
        ]
        assert over(limit, counts) == (reached[0] if reached else None)


def test_muting_for_a_time_ends_then() -> None:
    muted = State("muted", NOON, until_time=NOON + MINUTE)
    assert ended(muted, NOON) is None
    assert ended(muted, NOON + MINUTE) == Reopened(NOON + MINUTE, "time")
    assert ended(State("muted", NOON), NOON + MINUTE) is None


def test_a_group_that_opens_keeps_whose_it_is() -> None:
    why = Reopened(NOON, "regressed", "e", "2")
    assert State("resolved", NOON, "2", assignee="ana").again(why) == State("open", NOON, assignee="ana", reopened=why)
