"""The form of an alert rule: what it says, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from gateway.query.alerts.body import MAX_COOLDOWN, RuleBody
from gateway.query.alerts.refusals import NameInUse, TooMany
from gateway.rejections import InvalidBody, Rejection
from shared.alerts.rule import PARAMETERS, USES, Kind, Rule

SHOULD_BE: Mapping[str, str] = {
    "name": "Write one line of 1 to 100 characters.",
    "kind": "Choose one of the kinds.",
    "signal": "Choose one of the signals.",
    "q": "A query has at most 2,048 characters.",
    "service": "Write the name of a service: at most 200 characters.",
    "environment": "Write the name of an environment: at most 200 characters.",
    "count": "Write a number from 1 to 1,000,000.",
    "minutes": f"Write a number from 1 to {MAX_COOLDOWN:,}.",
    "usd": "Write US dollars, more than 0 and at most 1,000,000,000.",
    "period": "Choose a day or a month.",
    "each": "Write the key of an attribute: at most 200 characters.",
    "cooldown": f"Write a number from 1 to {MAX_COOLDOWN:,}.",
    "channel": "Choose a webhook or Slack.",
    "url": "Write an address: at most 2,000 printable ASCII characters.",
    "secret": "A secret has 16 to 200 printable ASCII characters, no spaces.",
}
"""Field -> what a person is told who wrote something else."""

NUMBERS: Mapping[str, type] = {"count": int, "minutes": int, "cooldown": int, "usd": float}


class AlertForm(NamedTuple):
    """`rule_id`: which rule it changes; '' for a new one. `problems`: field -> a sentence."""

    kind: Kind
    given: Mapping[str, str]
    rule_id: str = ""
    problems: Mapping[str, str] = {}

    @property
    def fields(self) -> list[str]:
        """The parameters of its kind, in their order."""
        uses = USES[self.kind]
        return [name for name in PARAMETERS if name in (*uses.needs, *uses.may)]

    @property
    def needs(self) -> tuple[str, ...]:
        return USES[self.kind].needs


USUAL: Mapping[str, str] = {"count": "10", "minutes": "5", "period": "day", "signal": "logs", "cooldown": "60"}


def new_form(kind: Kind) -> AlertForm:
    return AlertForm(
        kind, {**USUAL, "channel": "webhook", "enabled": "on"} | ({"count": "1"} if kind == "dead_letters" else {})
    )


def form_of(rule_id: str, rule: Rule) -> AlertForm:
    """What is in a rule; its address and secret are not shown."""
    given = {name: _text(getattr(rule, name)) for name in (*PARAMETERS, "name", "cooldown", "channel")}
    return AlertForm(rule.kind, given | ({"enabled": "on"} if rule.enabled else {}), rule_id)


class BadForm(Exception):
    """Field -> what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(problems)
        self.problems = problems


def body_of(form: AlertForm) -> RuleBody:
    """Raises `BadForm`."""
    names = [*form.fields, "name", "cooldown", "channel", "url", "secret"]
    given: dict[str, Any] = {name: text for name in names if (text := form.given.get(name, "").strip())}
    problems = {}
    for name in NUMBERS.keys() & given.keys():
        try:
            given[name] = NUMBERS[name](given[name].replace(",", ""))
        except ValueError:
            problems[name] = SHOULD_BE[name]
    if problems:
        raise BadForm(problems)
    given |= {"kind": form.kind, "enabled": bool(form.given.get("enabled")), "name": given.get("name", "")}
    try:
        return msgspec.convert(given, RuleBody)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        raise BadForm({field: SHOULD_BE.get(field, f"{error}.")}) from error


def problems_of(refusal: Rejection) -> Mapping[str, str]:
    """Field -> a sentence. Raises a refusal that the form can do nothing about."""
    if isinstance(refusal, InvalidBody):
        issues = refusal.answer["detail"]
        return {each["loc"][1]: _said(each["loc"][1], each["msg"].removeprefix("Value error, ")) for each in issues}
    if isinstance(refusal, NameInUse):
        return {"name": "The project has a rule of this name."}
    if isinstance(refusal, TooMany):
        return {"name": f"{refusal.sentence}."}
    raise refusal


def _said(field: str, message: str) -> str:
    """A field that is missing is told what it should be."""
    return SHOULD_BE[field] if message.endswith("needs it") else f"{message[:1].upper()}{message[1:]}."


def _text(value: object) -> str:
    return "" if value is None else str(value).removesuffix(".0") if isinstance(value, float) else str(value)
