"""The routes of alerts in OpenAPI's words."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from gateway.query.alerts.body import RuleBody
from gateway.query.alerts.refusals import NameInUse, RuleNotFound, TooMany
from gateway.query.alerts.shapes import OneRule, RuleAnswer, RuleList, SentAlert
from gateway.query.operation import Operation
from gateway.query.question import PROJECT

_BAD = (b"{", b'{"name":"a","kind":"lag","minutes":0,"more":1}')

_taken = NameInUse("alert_0123456789abcdef")
ALL, ONE, TEST = f"{PROJECT}/alerts", f"{PROJECT}/alerts/{{rule_id}}", f"{PROJECT}/alerts/{{rule_id}}/test"
_saving = partial(Operation, scope="operate", answer=RuleAnswer, body=RuleBody, bad=_BAD)

OF: Final[Mapping[tuple[str, str], Operation]] = {
    (ALL, "GET"): Operation("alerts", "The alert rules of a project", "triage", RuleList),
    (ALL, "POST"): _saving("create_alert", "Make an alert rule", refused=(_taken, TooMany()), status=201),
    (ONE, "GET"): Operation("alert", "An alert rule, and what it has sent", "triage", OneRule, [RuleNotFound()]),
    (ONE, "PUT"): _saving("replace_alert", "Change an alert rule", refused=(RuleNotFound(), _taken)),
    (ONE, "DELETE"): Operation(
        "delete_alert", "Delete an alert rule; answers what it was", "operate", RuleAnswer, [RuleNotFound()]
    ),
    (TEST, "POST"): Operation(
        "test_alert", "Send an alert that is a test, once", "operate", SentAlert, [RuleNotFound()]
    ),
}
