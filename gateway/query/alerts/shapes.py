"""Rules and deliveries as answers have them."""

from datetime import datetime

import httpx
import msgspec

from gateway.query.shape import Time
from gateway.query.times import format_time
from shared.alerts.alert import Alert, Delivery
from shared.alerts.rules import StoredRule
from shared.formats.values import microseconds


class RuleState(msgspec.Struct, frozen=True):
    """`judged_to`: what arrived before is judged. `fired_at`: the newest alert; `delivery`: what became of it. `holds`:
    what it told of lasts. `problem`: why the newest time could not be judged, else null."""

    judged_to: Time
    fired_at: Time | None
    delivery: str | None
    holds: bool
    problem: str | None


class RuleAnswer(msgspec.Struct, frozen=True):
    """`host`: where alerts go; the rest of the address is a secret. `secret` is here only where it was just made."""

    id: str
    name: str
    kind: str
    signal: str | None
    q: str | None
    service: str | None
    environment: str | None
    count: int | None
    minutes: int | None
    usd: float | None
    period: str | None
    each: str | None
    cooldown: int
    enabled: bool
    channel: str
    host: str
    secret: str | None
    created_by: str
    created_at: Time
    updated_at: Time
    state: RuleState


class RuleList(msgspec.Struct, frozen=True):
    """The rules of a project, by name."""

    alerts: list[RuleAnswer]


class TryAnswer(msgspec.Struct, frozen=True):
    """`status`: of the answer, null for none. `problem`: why it failed, null where it did not."""

    at: Time
    status: int | None
    problem: str | None


class SentAlert(msgspec.Struct, frozen=True):
    """`state`: waiting, delivered or failed. `next_try`: null where there is none."""

    id: str
    created_at: Time
    alert: Alert
    state: str
    tries: list[TryAnswer]
    next_try: Time | None


class OneRule(msgspec.Struct, frozen=True):
    """A rule, and what it has sent, the newest first."""

    alert: RuleAnswer
    deliveries: list[SentAlert]


def answer_of(stored: StoredRule, secret: str | None = None) -> RuleAnswer:
    rule, progress = stored.rule, stored.progress
    return RuleAnswer(
        *(stored.id, rule.name, rule.kind, rule.signal, rule.q or None, rule.service or None),
        *(rule.environment or None, rule.count, rule.minutes, rule.usd, rule.period, rule.each or None),
        *(rule.cooldown, rule.enabled, rule.channel, host_of(stored), secret, stored.by),
        *(_time(stored.created_at), _time(stored.updated_at)),
        RuleState(
            judged_to=format_time(progress.judged_to),
            fired_at=None if progress.fired_at is None else format_time(progress.fired_at),
            delivery=stored.delivery,
            holds=progress.level > 0,
            problem=progress.problem or None,
        ),
    )


def sent_answer(delivery: Delivery) -> SentAlert:
    tries = [TryAnswer(_time(each.at), each.status, each.problem or None) for each in delivery.tries]
    next_try = None if delivery.next_try is None else _time(delivery.next_try)
    return SentAlert(delivery.id, _time(delivery.created_at), delivery.alert, delivery.state, tries, next_try)


def host_of(stored: StoredRule) -> str:
    """Scheme, host and port of where alerts go."""
    url = httpx.URL(stored.target.url.reveal())
    return f"{url.scheme}://{url.netloc.decode()}"


def _time(moment: datetime) -> str:
    return format_time(microseconds(moment))
