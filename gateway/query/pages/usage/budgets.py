"""The budgets of the page LLM: what each has spent in its day or month (alerts.md, "The kinds")."""

from typing import NamedTuple

from gateway.query.alerts.asking import tree_of
from gateway.query.alerts.judging.cost import find_spent, span_of
from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.query.range import Range
from gateway.query.reader import TooBig
from gateway.query.refusals import BadQuery
from gateway.query.together import together
from gateway.rejections import Unavailable
from shared.alerts.rules import StoredRule

MOST = 5
"""Each may read a month of calls."""


class Budget(NamedTuple):
    """`period`: `2026-11` or `2026-11-26`. `key`: the dearest value, of a budget for each. `share`: percent. `problem`:
    why it is not known, else ''."""

    id: str
    name: str
    period: str
    usd: float
    key: str = ""
    spent: float = 0.0
    problem: str = ""

    @property
    def share(self) -> float:
        return max(0.0, self.spent / self.usd * 100)


class Budgets(NamedTuple):
    """`more`: how many are not shown."""

    rows: list[Budget]
    more: int


async def find_budgets(view: View) -> Budgets | None:
    """None for who may not see them. Raises `Unavailable` where Postgres is away."""
    project_id, alerts = view.project.project_id, view.deps.alerts
    if alerts is None or not view.visitor.may("member", project_id):
        return None
    rules = await known(alerts.rules.of_project(project_id), "alert rules")
    found = [each for each in rules if each.rule.kind == "llm_cost" and each.rule.enabled]
    rows = await together(*(_budget(view, each) for each in found[:MOST]))
    return Budgets(list(rows), len(found) - len(rows))


async def _budget(view: View, stored: StoredRule) -> Budget:
    rule = stored.rule
    span = span_of(rule.period or "day", view.now)
    budget = Budget(stored.id, rule.name, span.name, rule.usd or 1.0)
    range = Range(span.start, view.now)
    try:
        spent = await find_spent(view.deps, view.project.project_id, rule, tree_of(rule, "llm"), range)
    except (BadQuery, TooBig, Unavailable):
        return budget._replace(problem="not known now")
    key, cost = max(spent.items(), key=lambda each: each[1], default=("", 0.0))
    return budget._replace(key=key, spent=cost)
