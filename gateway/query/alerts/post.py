"""Sends what waits to be sent, again and again until it is taken or was tried often enough."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from gateway.query.alerting import AlertDeps
from gateway.query.sending.message import Message, Named, message_of
from gateway.query.times import format_time
from shared.alerts.alert import Alert, Delivery, State, Try
from shared.alerts.deliveries import DueDelivery
from shared.alerts.rules import StoredRule
from shared.formats.values import microseconds

WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1_800, 7_200))
"""Between the six tries of an alert."""

AT_ONCE = 8

_log = structlog.get_logger(__name__)


def after(tries: int, tried: Try, now: datetime) -> tuple[State, datetime]:
    """What becomes of an alert after so many tries, the last of which is this; and when the next one is."""
    if not tried.problem:
        return "delivered", now
    if tries > len(WAITS):
        return "failed", now
    return "waiting", now + WAITS[tries - 1]


async def send_due(alerts: AlertDeps, now: datetime) -> None:
    """All that is to be sent now, a few at a time, whatever becomes of the others. Raises `PostgresUnavailable`."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def send(due: DueDelivery) -> None:
        async with slots:
            await _send(alerts, due, now)

    sent = await asyncio.gather(*map(send, await alerts.deliveries.due(now)), return_exceptions=True)
    for failure in filter(None, sent):
        raise failure


async def send_test(alerts: AlertDeps, stored: StoredRule) -> Delivery | None:
    """Send an alert that says it is a test, once and at once; None where the rule has gone. Raises
    `PostgresUnavailable`."""
    rule, now = stored.rule, format_time(microseconds(datetime.now(UTC)))
    alert = Alert(
        title=f"{rule.name}: a test",
        text="Somebody pressed the test button of this rule. Nothing has happened.",
        path=f"/p/{stored.project_id}/settings/alerts",
        at=now,
        test=True,
    )
    named = Named(stored.id, rule.name, rule.kind)
    message = message_of(alert, "test", stored.project_id, named, now, alerts.public_url)
    tried = await alerts.sender.send(message, rule.channel, stored.target)
    return await alerts.deliveries.add_done(stored.id, alert, tried)


async def _send(alerts: AlertDeps, due: DueDelivery, now: datetime) -> None:
    delivery = due.delivery
    if not await alerts.deliveries.claim(delivery, now):
        return
    tried = await alerts.sender.send(_message(alerts, due), due.channel, due.target)
    tries = [*delivery.tries, tried]
    state, next_try = after(len(tries), tried, now)
    if state == "failed":
        _log.warning("an alert could not be sent", rule=due.rule_id, project_id=due.project_id, why=tried.problem)
    await alerts.deliveries.record(delivery, tries, state, next_try)


def _message(alerts: AlertDeps, due: DueDelivery) -> Message:
    sent_at = format_time(microseconds(datetime.now(UTC)))
    named = Named(due.rule_id, due.name, due.kind)
    return message_of(due.delivery.alert, due.delivery.id, due.project_id, named, sent_at, alerts.public_url)
