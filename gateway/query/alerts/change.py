"""Makes, changes, deletes and tries rules, for the routes and the pages."""

import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.query.alerting import AlertDeps
from gateway.query.alerts.body import RuleBody
from gateway.query.alerts.post import send_test
from gateway.query.alerts.refusals import NameInUse, RuleNotFound, TooMany
from gateway.query.postgres import known
from gateway.query.turns import in_turn
from shared.alerts.alert import Delivery
from shared.alerts.rule import Target
from shared.alerts.rules import NameTaken, StoredRule, TooManyRules
from shared.audit import Actor
from shared.secret import Secret

WHAT = "alert rules"
"""In sentences."""

T = TypeVar("T")


async def find_rule(alerts: AlertDeps, project_id: str, rule_id: str) -> StoredRule:
    """Raises `RuleNotFound`, `Unavailable`."""
    found = None if "\0" in rule_id else await known(alerts.rules.find(project_id, rule_id), WHAT)
    if found is None:
        raise RuleNotFound
    return found


async def make_rule(alerts: AlertDeps, project_id: str, body: RuleBody, by: Actor) -> tuple[StoredRule, str | None]:
    """The new rule, and the secret of a webhook. Raises `InvalidBody`, `NameInUse`, `TooMany`, `Unavailable`."""
    body.check(alerts.sender.allowed, is_new=True)
    secret = "" if body.channel == "slack" else body.secret or secrets.token_urlsafe(32)
    target = Target(Secret(body.url or ""), Secret(secret))
    made = await _changed(alerts, project_id, lambda: alerts.rules.add(project_id, body.rule, target, by))
    return made, secret or None


async def replace_rule(
    alerts: AlertDeps, project_id: str, rule_id: str, body: RuleBody, by: Actor
) -> tuple[StoredRule, str | None]:
    """The rule as it is now; and its secret, where it has a new one: one that is given, and that of a rule which was
    for Slack. Raises `InvalidBody`, `NameInUse`, `RuleNotFound`, `Unavailable`."""
    before = await find_rule(alerts, project_id, rule_id)
    body.check(alerts.sender.allowed, is_new=before.rule.channel != body.channel)
    secret = body.secret or ""
    if body.channel == "webhook" and not secret and not before.target.secret:
        secret = secrets.token_urlsafe(32)
    target = Target(Secret(body.url or ""), Secret(secret))
    changed = await _changed(
        alerts, project_id, lambda: alerts.rules.replace(project_id, rule_id, body.rule, target, by)
    )
    return _there(changed), secret or None


async def remove_rule(alerts: AlertDeps, project_id: str, rule_id: str, by: Actor) -> StoredRule:
    """What it was. Raises `RuleNotFound`, `Unavailable`."""
    await find_rule(alerts, project_id, rule_id)
    return _there(await _changed(alerts, project_id, lambda: alerts.rules.remove(project_id, rule_id, by)))


async def try_rule(alerts: AlertDeps, project_id: str, rule_id: str) -> Delivery:
    """What became of a test alert. Raises `RuleNotFound`, `Unavailable`."""
    rule = await find_rule(alerts, project_id, rule_id)
    return _there(await _changed(alerts, project_id, lambda: send_test(alerts, rule)))


async def _changed(alerts: AlertDeps, project_id: str, change: Callable[[], Awaitable[T]]) -> T:
    try:
        return await in_turn(alerts.turns, project_id, lambda: known(change(), WHAT))
    except NameTaken as error:
        raise NameInUse(str(error)) from error
    except TooManyRules as error:
        raise TooMany from error


def _there(found: T | None) -> T:
    if found is None:
        raise RuleNotFound
    return found
