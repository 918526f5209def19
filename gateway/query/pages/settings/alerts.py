"""Settings, Alerts: members see the rules, owners make, change, try and delete them (pages.md, "Settings")."""

from collections.abc import Mapping
from typing import Any

import structlog

from gateway.query.alerts import change
from gateway.query.alerts.body import RuleBody
from gateway.query.alerts.refusals import RuleNotFound
from gateway.query.pages.page import Page
from gateway.query.pages.roles import check_role
from gateway.query.pages.settings.alert_form import AlertForm, BadForm, body_of, form_of, new_form, problems_of
from gateway.query.pages.settings.alert_rows import KIND_TEXTS, row_of, sent_of
from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.rejections import Rejection
from shared.alerts.rule import CHANNELS, KINDS, PERIODS, SIGNALS, Kind
from shared.alerts.rules import StoredRule

_log = structlog.get_logger(__name__)

Shown = Mapping[str, Any]


async def _find(view: View) -> Shown:
    opened, delete = (view.given.text(name, most=100) or "" for name in ("rule", "delete"))
    kind = _kind(view.given.choice("kind", KINDS, "none"))
    view.finish()
    form = new_form(kind) if kind else None
    return await _shown(view, form, opened=opened, delete=delete)


async def _send(view: View, fields: Mapping[str, str]) -> tuple[int, Shown]:
    """Raises `LacksRole`, `Unavailable`."""
    view.finish()
    project_id, alerts = view.project.project_id, view.deps.known_alerts
    check_role(view.visitor, "owner", project_id)
    rule_id, do = fields.get("rule", ""), fields.get("do", "save")
    try:
        if do == "delete":
            gone = await change.remove_rule(alerts, project_id, rule_id, view.actor)
            _log.info("alert rule deleted", project_id=project_id, by=view.visitor.name, rule=rule_id)
            return 200, await _shown(view, said=f"The rule “{gone.rule.name}” is deleted.")
        if do in ("on", "off"):
            rule = (await change.find_rule(alerts, project_id, rule_id)).rule
            await change.replace_rule(alerts, project_id, rule_id, RuleBody.of(rule, enabled=do == "on"), view.actor)
            return 200, await _shown(view, said=f"The rule “{rule.name}” is {do}.")
        if do == "test":
            return await _try(view, rule_id)
        return await _save(view, _form(fields, rule_id))
    except RuleNotFound:
        return 404, await _shown(view, said="The project has no such rule.")


async def _try(view: View, rule_id: str) -> tuple[int, Shown]:
    sent = await change.try_rule(view.deps.known_alerts, view.project.project_id, rule_id)
    problem = sent.tries[-1].problem
    said = f"The test alert was not delivered: {problem}." if problem else "The test alert was delivered."
    return 200, await _shown(view, opened=rule_id, said=said)


def _form(fields: Mapping[str, str], rule_id: str) -> AlertForm:
    return AlertForm(_kind(fields.get("kind", "")) or KINDS[0], fields, rule_id)


def _kind(text: str) -> Kind | None:
    return next((each for each in KINDS if each == text), None)


async def _save(view: View, form: AlertForm) -> tuple[int, Shown]:
    alerts, project_id = view.deps.known_alerts, view.project.project_id
    try:
        body = body_of(form)
        if form.rule_id:
            stored, secret = await change.replace_rule(alerts, project_id, form.rule_id, body, view.actor)
        else:
            stored, secret = await change.make_rule(alerts, project_id, body, view.actor)
    except BadForm as error:
        return 422, await _shown(view, form._replace(problems=error.problems))
    except RuleNotFound:
        raise
    except Rejection as refusal:
        return 422, await _shown(view, form._replace(problems=problems_of(refusal)))
    _log.info("alert rule saved", project_id=project_id, by=view.visitor.name, rule=stored.id)
    said = f"The rule “{stored.rule.name}” is {'changed' if form.rule_id else 'made'}."
    return 200, await _shown(view, said=said, secret=secret or "")


async def _shown(
    view: View, form: AlertForm | None = None, *, opened: str = "", delete: str = "", said: str = "", secret: str = ""
) -> Shown:
    """`opened`: the id of the rule that is looked at; `delete`: of one that is asked about once more."""
    project_id, alerts = view.project.project_id, view.deps.known_alerts
    sees, is_owner = view.visitor.may("member", project_id), view.visitor.may("owner", project_id)
    rules = await known(alerts.rules.of_project(project_id), change.WHAT) if sees else []
    looked_at = _of_id(rules, form.rule_id if form else opened)
    sent = await known(alerts.deliveries.of_rule(project_id, looked_at.id), change.WHAT) if looked_at else []
    return {
        "sees": sees,
        "is_owner": is_owner,
        "rules": [row_of(each, view.now) for each in rules],
        "opened": row_of(looked_at, view.now) if looked_at else None,
        "sent": list(map(sent_of, sent)),
        "deleting": next((row_of(each, view.now) for each in rules if each.id == delete), None) if is_owner else None,
        "form": form or (form_of(looked_at.id, looked_at.rule) if looked_at else None) if is_owner else None,
        "kinds": KIND_TEXTS,
        "choices": {"signal": SIGNALS, "period": PERIODS, "channel": CHANNELS},
        "said": said,
        "secret": secret,
    }


def _of_id(rules: list[StoredRule], rule_id: str) -> StoredRule | None:
    return next((each for each in rules if each.id == rule_id), None)


ALERTS = Page("settings/alerts", "settings/alerts.html", _find, send=_send, for_agents=True)
