"""How far a budget brings a search (reading.md, "Steps")."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.logs.counts import Counts
from gateway.query.logs.plan import Plan, Searched, parted
from gateway.query.steps import BUCKET_US, Step

PLAN = Plan([Step(70, 99, 0), Step(40, 69, 10), Step(20, 39, 8), Step(0, 19, 5)], 23, whole=True)


def reached(budget: int, plan: Plan = PLAN) -> Searched:
    return [searched for _, searched in plan.within(budget)][-1]


def test_steps_are_done_as_long_as_the_budget_has_room() -> None:
    assert reached(22) == Searched(to=20, rows=18, of=23)
    assert reached(23) == Searched(to=0, rows=23, of=23)


def test_the_first_step_with_rows_is_done_whatever_it_costs() -> None:
    assert reached(1) == Searched(to=40, rows=10, of=23)


def test_it_is_done_at_the_start_of_the_range_only() -> None:
    assert PLAN.is_done(reached(23))
    assert not PLAN.is_done(reached(22))
    assert not Plan(PLAN.steps, 100, whole=False).is_done(reached(23))


def test_steps_are_done_together_where_those_before_were_not_enough() -> None:
    plan = Plan([Step(90 - 10 * n, 99 - 10 * n, 1) for n in range(10)], 10, whole=True)
    assert [(step.start, step.rows) for step, _ in plan.within(9)] == [(90, 1), (70, 2), (30, 4), (10, 2)]
    first = (Step(95, 99, 0), Step(90, 94, 1))
    assert [step for step, _ in replace(plan, first=first).within(1)] == [*first]


@given(st.lists(st.integers(0, 9), max_size=9), st.integers(0, BUCKET_US), st.integers(1, 20), st.booleans())
def test_the_parts_of_a_step_are_the_step(held: list[int], cut: int, enough: int, oldest: bool) -> None:
    counts = Counts({n * BUCKET_US: rows for n, rows in enumerate(held) if rows}, sum(held))
    step = Step(cut, max(len(held) * BUCKET_US - 1, cut), counts.rows)
    parts = parted(step, counts, enough, oldest=oldest)
    in_time = parts if oldest else parts[::-1]
    assert (in_time[0].start, in_time[-1].end) == (step.start, step.end)
    assert all(later.start == earlier.end + 1 for earlier, later in pairwise(in_time))
    assert sum(part.rows for part in parts) == step.rows
    assert len(parts) == 1 or enough <= parts[0].rows < parts[1].rows
