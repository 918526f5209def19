"""The decision of each kind of rule, and which time it is about (alerts.md, "The kinds", "When a rule is judged")."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest
from msgspec.structs import replace

from gateway.query.alerts.asking import Case, Verdict
from gateway.query.alerts.judging import cost
from gateway.query.alerts.judging.cost import Span, span_of, spent_now
from gateway.query.alerts.judging.groups import not_told
from gateway.query.alerts.judging.matches import Reached, reached
from gateway.query.alerts.judging.silence import is_silent
from gateway.query.alerts.judging.standing import lags, more_letters
from gateway.query.alerts.windows import DAY_US, Window, window_of
from gateway.query.deps import QueryDeps
from gateway.query.pages.usage import budgets
from gateway.query.pages.view import View
from shared.alerts.progress import MINUTE_US, Progress
from shared.alerts.rule import Rule, Target
from shared.alerts.rules import StoredRule
from shared.formats.values import microseconds
from shared.secret import Secret

NEW = Progress(judged_to=0)
T = 1_000 * MINUTE_US
"""A whole minute."""


def minute(n: float) -> int:
    return T + round(n * MINUTE_US)


@pytest.mark.parametrize(
    ("up_to", "now", "window"),
    [
        (0.9, 0.9, None),
        (2.5, 2.5, (0, 2, 2)),
        (0.5, 5.9, None),
        (0.5, 6.5, (0, 0, 1)),
        (3, 20, (0, 3, 15)),
        (None, 4, None),
        (None, 8, (0, 0, 3)),
    ],
)
def test_a_minute_is_judged_once_it_is_complete_or_five_minutes_old(
    up_to: float | None, now: float, window: tuple[int, int, int] | None
) -> None:
    found = window_of(T, None if up_to is None else minute(up_to), minute(now))
    assert found == (None if window is None else Window(*map(minute, window)))


def test_what_was_missed_is_judged_for_a_day() -> None:
    found = window_of(0, 3 * DAY_US, 3 * DAY_US)
    assert found == Window(2 * DAY_US, 3 * DAY_US, 3 * DAY_US)


def test_rows_are_counted_over_minutes_and_in_one_alert_alone() -> None:
    rule = Rule(name="r", kind="matches", count=5, minutes=2)
    window = Window(minute(0), minute(3), minute(3))
    before = replace(NEW, judged_to=T)
    few = {minute(-1): 2, minute(0): 2, minute(2): 4}
    assert reached(rule, before, window, few) == (replace(before, judged_to=minute(3)), None)
    progress, found = reached(rule, before, window, few | {minute(1): 1})
    assert found == Reached(minute(1), minute(3), 5)
    assert (progress.judged_to, progress.counted_from) == (minute(3), minute(3))
    # As many before, while it cooled: the first minute that is judged now tells it.
    _, found = reached(rule, before, window, {minute(-1): 9})
    assert found == Reached(minute(-1), minute(1), 9)


def test_what_is_not_complete_is_judged_again_unless_it_was_told() -> None:
    rule = Rule(name="r", kind="matches", count=5, minutes=1)
    window = Window(minute(0), minute(1), minute(3))
    assert reached(rule, NEW, window, {minute(2): 4})[0].judged_to == minute(1)
    assert reached(rule, NEW, window, {minute(2): 5})[0].judged_to == minute(3)
    new, fresh = not_told(NEW, window, ["a", "b"])
    assert (new.judged_to, new.told, fresh) == (minute(1), ("a", "b"), ["a", "b"])
    new, fresh = not_told(new, Window(minute(1), minute(4), minute(4)), ["b", "c"])
    assert (new.judged_to, new.told, fresh) == (minute(4), (), ["c"])


def test_silence_is_told_once_and_of_a_rule_that_is_old_enough() -> None:
    young = Progress.beginning(T)
    assert is_silent(young, 5, minute(4), 0)[1] is False
    progress, told = is_silent(young, 5, minute(5), 0)
    assert told
    assert is_silent(progress, 5, minute(6), 0)[1] is False
    progress, told = is_silent(progress, 5, minute(7), 3)
    assert (told, progress.level) == (False, 0)
    assert is_silent(progress, 5, minute(12), 0)[1]


def test_letters_are_told_as_they_grow_and_lag_once() -> None:
    heard = [0, 3, 3, 4, 1, 3, 4]
    told, progress = [], NEW
    for found in heard:
        progress, said = more_letters(progress, 3, found)
        told.append(said)
    assert told == [False, True, False, True, False, True, True]
    told, progress = [], NEW
    for behind in (1.0, 10.0, 12.0, 0.5, 10.0):
        progress, said = lags(progress, 10, behind)
        told.append(said)
    assert told == [False, True, False, False, True]


def test_a_budget_is_told_once_in_its_span_for_each_key() -> None:
    today, tomorrow = Span("2026-11-26", 0, 1), Span("2026-11-27", 1, 2)
    progress, over = spent_now(NEW, 5, today, {"ann": 5, "bob": 4.99})
    assert over == ["ann"]
    progress, over = spent_now(progress, 5, today, {"ann": 9, "bob": 5})
    assert over == ["bob"]
    progress, over = spent_now(progress, 5, tomorrow, {"ann": 6})
    assert (over, progress.told) == (["ann"], ("ann",))


async def test_a_budget_that_is_spent_while_its_rule_cools_is_told_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    async def spent(*_: object) -> dict[str, float]:
        return {"": 7.0}

    monkeypatch.setattr(cost, "find_spent", spent)
    rule = Rule(name="r", kind="llm_cost", usd=5, period="day", cooldown=10)
    midnight = microseconds(datetime(2026, 11, 27, tzinfo=UTC))
    end = midnight + 3 * MINUTE_US
    before = replace(NEW, judged_to=midnight - MINUTE_US, fired_at=midnight - 2 * MINUTE_US)
    deps, window = cast(QueryDeps, None), Window(before.judged_to, end, end)
    assert await cost.judge_cost(Case(deps, "p", rule, before, end), window) == Verdict(before)
    progress, alert = await cost.judge_cost(Case(deps, "p", rule, before, end + 10 * MINUTE_US), window)
    assert (progress.judged_to, progress.period) == (midnight, "2026-11-26")
    assert alert is not None


async def test_a_budget_for_what_is_no_key_is_not_known() -> None:
    """Of a rule that was made when any text was taken."""
    now = datetime.now(UTC)
    rule = Rule(name="r", kind="llm_cost", usd=5, period="day", each=",")
    stored = StoredRule("id", "p", rule, Target(Secret(""), Secret("")), NEW, "user ana", now, now, None)
    view = SimpleNamespace(deps=None, project=SimpleNamespace(project_id="p"), now=microseconds(now))
    assert (await budgets._budget(cast(View, view), stored)).problem == "not known now"


def test_days_and_months_are_those_of_utc() -> None:
    moment = microseconds(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    new_year = microseconds(datetime(2027, 1, 1, tzinfo=UTC))
    assert span_of("day", moment)[0::2] == ("2026-12-31", new_year)
    assert span_of("month", moment) == ("2026-12", microseconds(datetime(2026, 12, 1, tzinfo=UTC)), new_year)
    assert span_of("month", new_year).name == "2027-01"


def test_it_cools_for_as_long_as_it_should() -> None:
    fired = replace(NEW, fired_at=T)
    assert fired.cools(10, minute(9.9))
    assert not fired.cools(10, minute(10))
    assert not NEW.cools(10, T)
