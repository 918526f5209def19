"""How far a budget brings a search (reading.md, "Steps")."""

from gateway.query.logs.plan import Plan, Searched
from gateway.query.steps import Step

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
