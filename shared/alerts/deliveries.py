"""Alerts on their way, and the log of those that were sent (alerts.md, "Sending")."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple

import msgspec

from shared.alerts.alert import Alert, Delivery, State, Try
from shared.alerts.rule import Channel, Target
from shared.alerts.storable import storable
from shared.clients.postgres import AsyncConnection, Postgres
from shared.secret import Secret

MOST_KEPT = 100
"""Of one rule: the newest."""

KEPT = timedelta(days=30)

MOST_FORGOTTEN = 10_000
"""At once."""

CLAIMED = timedelta(minutes=2)
"""Nobody else tries an alert for so long after a process has begun to: longer than any try takes."""

AT_ONCE = 50
OF_PROJECT = 10
"""Deliveries that are given out together, of all projects and of one."""


_FOUND: LiteralString = (
    "SELECT d.id, d.created_at, d.alert::text, d.state, d.tries::text, d.next_try"
    " FROM alert_deliveries AS d JOIN alert_rules AS r ON r.id = d.rule_id"
)


class DueDelivery(NamedTuple):
    """What is to be sent now, and for whom."""

    delivery: Delivery
    target: Target
    rule_id: str
    project_id: str
    name: str
    kind: str
    channel: Channel


class Deliveries:
    """Every call may raise `PostgresUnavailable`."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of_rule(self, project_id: str, rule_id: str) -> list[Delivery]:
        """The newest first; none where the project has no such rule."""
        rows = await self._postgres.query(
            _FOUND + " WHERE r.project_id = %s AND r.id = %s ORDER BY d.number DESC LIMIT %s",
            [project_id, rule_id, MOST_KEPT],
        )
        return list(map(_delivery, rows))

    async def due(self, now: datetime) -> list[DueDelivery]:
        """What waits to be sent, the oldest first; of each project so many that all get their turn."""
        rows = await self._postgres.query(
            "SELECT * FROM (SELECT d.id, d.created_at, d.alert::text, d.state, d.tries::text, d.next_try, r.url,"
            " r.secret, r.id AS rule_id, r.project_id, r.name, r.rule->>'kind', r.rule->>'channel', d.number,"
            " row_number() OVER (PARTITION BY r.project_id ORDER BY d.next_try) AS place"
            " FROM alert_deliveries AS d JOIN alert_rules AS r ON r.id = d.rule_id"
            " WHERE d.state = 'waiting' AND d.next_try <= %s) AS waiting WHERE place <= %s ORDER BY number LIMIT %s",
            [now, OF_PROJECT, AT_ONCE],
        )
        return list(map(_due, rows))

    async def add_done(self, rule_id: str, alert: Alert, tried: Try) -> Delivery | None:
        """Log an alert that was sent at once; None where the rule is gone."""

        async def add(db: AsyncConnection) -> Delivery | None:
            found = await db.execute("SELECT FROM alert_rules WHERE id = %s FOR SHARE", [rule_id])
            if not found.rowcount:
                return None
            delivery_id = await put(db, rule_id, alert)
            state: State = "failed" if tried.problem else "delivered"
            await _record(db, delivery_id, [tried], state, tried.at)
            rows = await db.execute(_FOUND + " WHERE d.id = %s", [delivery_id])
            return _delivery((await rows.fetchall())[0])

        return await self._postgres.change(add)

    async def claim(self, delivery: Delivery, now: datetime) -> bool:
        """Whether a try is the caller's: nobody else has begun one since the delivery was read."""

        async def claim(db: AsyncConnection) -> bool:
            done = await db.execute(
                "UPDATE alert_deliveries SET next_try = %s WHERE id = %s AND state = 'waiting' AND next_try = %s",
                [now + CLAIMED, delivery.id, delivery.next_try],
            )
            return bool(done.rowcount)

        return await self._postgres.change(claim)

    async def forget_old(self) -> None:
        """Delete what is older than `KEPT`, of rules too that tell nothing any more."""

        async def forget(db: AsyncConnection) -> None:
            await db.execute(
                "DELETE FROM alert_deliveries WHERE id IN"
                " (SELECT id FROM alert_deliveries WHERE created_at < now() - %s LIMIT %s)",
                [KEPT, MOST_FORGOTTEN],
            )

        await self._postgres.change(forget)

    async def record(self, delivery: Delivery, tries: list[Try], state: State, next_try: datetime) -> None:
        """Keep what became of a try."""

        async def record(db: AsyncConnection) -> None:
            await _record(db, delivery.id, tries, state, next_try)

        await self._postgres.change(record)


async def put(db: AsyncConnection, rule_id: str, alert: Alert) -> str:
    """Lay an alert down to be sent, and forget what is too much of its rule; returns its id."""
    delivery_id = f"dlv_{secrets.token_hex(8)}"
    await db.execute(
        "INSERT INTO alert_deliveries (id, rule_id, alert, state) VALUES (%s, %s, %s, 'waiting')",
        [delivery_id, rule_id, storable(alert)],
    )
    await db.execute(
        "DELETE FROM alert_deliveries WHERE id IN"
        " (SELECT id FROM alert_deliveries WHERE rule_id = %s ORDER BY number DESC OFFSET %s)",
        [rule_id, MOST_KEPT],
    )
    return delivery_id


async def _record(db: AsyncConnection, delivery_id: str, tries: list[Try], state: State, next_try: datetime) -> None:
    await db.execute(
        "UPDATE alert_deliveries SET tries = %s, state = %s, next_try = %s WHERE id = %s",
        [msgspec.json.encode(tries).decode(), state, next_try, delivery_id],
    )


def _delivery(row: Sequence[Any]) -> Delivery:
    delivery_id, created_at, alert, state, tries, next_try = row
    decoded = msgspec.json.decode(alert, type=Alert), state, msgspec.json.decode(tries, type=list[Try])
    return Delivery(delivery_id, created_at, *decoded, next_try if state == "waiting" else None)


def _due(row: Sequence[Any]) -> DueDelivery:
    url, secret, rule_id, project_id, name, kind, channel = row[6:13]
    target = Target(Secret(url), Secret(secret))
    return DueDelivery(_delivery(row[:6]), target, rule_id, project_id, name, kind, channel)
