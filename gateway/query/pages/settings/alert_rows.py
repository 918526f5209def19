"""Alert rules and what they have sent, as the page lists them."""

from typing import NamedTuple

from gateway.query.alerts.links import minutes, number
from gateway.query.alerts.shapes import host_of
from gateway.query.pages.money import money
from gateway.query.pages.times import ago, seconds
from shared.alerts.alert import Delivery, First
from shared.alerts.rule import Kind, Rule
from shared.alerts.rules import StoredRule
from shared.formats.values import microseconds

KIND_TEXTS: dict[Kind, str] = {
    "matches": "Many rows",
    "new_group": "New error",
    "regressed_group": "Regressed error",
    "silence": "Silent service",
    "llm_cost": "Budget of models",
    "dead_letters": "Dead letters",
    "lag": "Lag",
}
"""In the order in which they are offered."""

WORDS = {"logs": "logs", "errors": "errors", "traces": "spans", "llm": "calls to models"}


class RuleRow(NamedTuple):
    """`fired`: how long ago; '' for never. `css`: of its state."""

    id: str
    name: str
    what: str
    q: str
    to: str
    fired: str
    state: str
    css: str
    enabled: bool


class Sent(NamedTuple):
    """An alert. `tries`: a line each."""

    at: int
    title: str
    text: str
    first: First | None
    state: str
    css: str
    tries: list[str]


def row_of(stored: StoredRule, now: int) -> RuleRow:
    rule, progress = stored.rule, stored.progress
    fired = "" if progress.fired_at is None else ago(progress.fired_at, now)
    to = f"{'Slack' if rule.channel == 'slack' else 'webhook'} {host_of(stored)}"
    return RuleRow(stored.id, rule.name, what(rule), rule.q, to, fired, *_state(stored), rule.enabled)


def what(rule: Rule) -> str:
    """What it tells of, in words."""
    where = f" in {rule.environment}" if rule.environment else ""
    match rule.kind:
        case "matches":
            words = WORDS[rule.signal or "logs"]
            return f"{rule.count or 0:,} {words} within {minutes(rule.minutes or 0)}{where}"
        case "llm_cost":
            each = f", each {rule.each}" if rule.each else ""
            return f"{money(rule.usd or 0)} a {rule.period}{each}{where}"
        case "silence":
            return f"nothing from {rule.service} for {minutes(rule.minutes or 0)}{where}"
        case "dead_letters":
            return number(rule.count or 0, "dead letter", "dead letters")
        case "lag":
            return f"storage {minutes(rule.minutes or 0)} behind"
    return f"{'new errors' if rule.kind == 'new_group' else 'errors that regress'}{where}"


def _state(stored: StoredRule) -> tuple[str, str]:
    if not stored.rule.enabled:
        return "off", ""
    if stored.progress.problem:
        return stored.progress.problem, "amb"
    if stored.delivery == "failed":
        return "not delivered", "bad"
    if stored.delivery == "waiting":
        return "being sent", "amb"
    return ("lasts", "amb") if stored.progress.level else ("watching", "")


def sent_of(delivery: Delivery) -> Sent:
    alert = delivery.alert
    css = {"delivered": "new", "failed": "bad", "waiting": "amb"}[delivery.state]
    tries = [f"{seconds(microseconds(each.at))} {each.problem or f'answered {each.status}'}" for each in delivery.tries]
    if delivery.next_try is not None:
        tries.append(f"next try {seconds(microseconds(delivery.next_try))}")
    return Sent(microseconds(delivery.created_at), alert.title, alert.text, alert.first, delivery.state, css, tries)
