"""The rules of all projects (alerts.md, "A rule")."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from time import time_ns
from typing import Any, LiteralString

import msgspec

from shared.alerts.alert import Alert, State
from shared.alerts.deliveries import put
from shared.alerts.progress import Progress
from shared.alerts.rule import Rule, Target
from shared.alerts.storable import storable
from shared.audit import Action, Actor, Deed, audit_async
from shared.clients.postgres import AsyncConnection, Postgres
from shared.secret import Secret

MOST_RULES = 100
"""Of one project."""


class NameTaken(Exception):
    """The project has another rule of this name; the text is its id."""


class TooManyRules(Exception):
    """The project has `MOST_RULES`."""


class StoredRule(msgspec.Struct, frozen=True):
    """`by`: who made it. `delivery`: what became of its newest alert; None where there is none."""

    id: str
    project_id: str
    rule: Rule
    target: Target
    progress: Progress
    by: str
    created_at: datetime
    updated_at: datetime
    delivery: State | None


class Rules:
    """Each call but `watched` and `advance` sees and changes the rules of one project. Every call may raise
    `PostgresUnavailable`: then a change may have been made all the same."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of_project(self, project_id: str) -> list[StoredRule]:
        """All of them, by name."""
        rows = await self._postgres.query(_FOUND + " WHERE project_id = %s ORDER BY lower(name), id", [project_id])
        return list(map(_rule, rows))

    async def find(self, project_id: str, rule_id: str) -> StoredRule | None:
        return _first(await self._postgres.query(_FOUND + _OF_ID, [project_id, rule_id]))

    async def watched(self) -> list[StoredRule]:
        """The enabled rules of all projects, one project after the other."""
        rows = await self._postgres.query(
            _FOUND + " WHERE (rule->>'enabled')::boolean IS NOT FALSE ORDER BY project_id, id"
        )
        return list(map(_rule, rows))

    async def add(self, project_id: str, rule: Rule, target: Target, by: Actor) -> StoredRule:
        """A new rule. Raises `NameTaken`, `TooManyRules`."""
        rule_id, maker = f"alert_{secrets.token_hex(8)}", f"{by.kind} {by.name or by.id}"

        async def add(db: AsyncConnection) -> StoredRule | None:
            await _alone(db, project_id)
            await _check_name(db, project_id, rule.name, rule_id)
            count = await db.execute("SELECT count(*) FROM alert_rules WHERE project_id = %s", [project_id])
            if (await count.fetchall())[0][0] >= MOST_RULES:
                raise TooManyRules
            await db.execute(
                "INSERT INTO alert_rules (id, project_id, name, rule, url, secret, progress, created_by)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [rule_id, project_id, rule.name, storable(rule), *_texts(target), storable(_beginning()), maker],
            )
            await audit_async(db, _deed("alert.made", project_id, rule_id, rule), by)
            return await _find(db, project_id, rule_id)

        made = await self._postgres.change(add)
        assert made is not None
        return made

    async def replace(self, project_id: str, rule_id: str, rule: Rule, target: Target, by: Actor) -> StoredRule | None:
        """Put something else under an id; None where the project has no such rule. An empty part of the target stays
        as it was. Raises `NameTaken`."""

        async def replace(db: AsyncConnection) -> StoredRule | None:
            await _alone(db, project_id)
            before = await _find(db, project_id, rule_id)
            if before is None:
                return None
            await _check_name(db, project_id, rule.name, rule_id)
            progress = before.progress if before.rule.asks == rule.asks else _beginning()
            url, secret = target.url or before.target.url, target.secret or before.target.secret
            await db.execute(
                "UPDATE alert_rules SET name = %s, rule = %s, url = %s, secret = %s, progress = %s, updated_at = now()"
                " WHERE id = %s",
                [rule.name, storable(rule), url.reveal(), secret.reveal(), storable(progress), rule_id],
            )
            await audit_async(db, _deed("alert.changed", project_id, rule_id, rule, target), by)
            return await _find(db, project_id, rule_id)

        return await self._postgres.change(replace)

    async def remove(self, project_id: str, rule_id: str, by: Actor) -> StoredRule | None:
        """Delete a rule and what it has sent; returns what it was, None where the project has no such rule."""

        async def remove(db: AsyncConnection) -> StoredRule | None:
            found = await _find(db, project_id, rule_id)
            await db.execute("DELETE FROM alert_rules WHERE project_id = %s AND id = %s", [project_id, rule_id])
            if found is not None:
                await audit_async(db, _deed("alert.deleted", project_id, rule_id, found.rule), by)
            return found

        return await self._postgres.change(remove)

    async def advance(self, stored: StoredRule, progress: Progress, alert: Alert | None = None) -> None:
        """Remember how far a rule is judged, and with it the alert that came of it: both or nothing. A rule that
        somebody else has changed or judged in the meantime stays as it is."""

        async def advance(db: AsyncConnection) -> None:
            done = await db.execute(
                "UPDATE alert_rules SET progress = %s WHERE id = %s AND progress = %s AND rule = %s",
                [storable(progress), stored.id, storable(stored.progress), storable(stored.rule)],
            )
            if done.rowcount and alert is not None:
                await put(db, stored.id, alert)

        await self._postgres.change(advance)


_FOUND: LiteralString = (
    "SELECT id, project_id, rule::text, url, secret, progress::text, created_by, created_at, updated_at,"
    " (SELECT state FROM alert_deliveries WHERE rule_id = alert_rules.id ORDER BY number DESC LIMIT 1)"
    " FROM alert_rules"
)
_OF_ID: LiteralString = " WHERE project_id = %s AND id = %s"


def _deed(action: Action, project_id: str, rule_id: str, rule: Rule, replaced: Target | None = None) -> Deed:
    """Without what it searches for, which may be anything, and where it goes. `replaced`: what is new of that."""
    detail: dict[str, object] = {name: getattr(rule, name) for name in ("name", "kind", "channel", "enabled")}
    if replaced is not None:
        detail |= {name: "replaced" for name, part in replaced._asdict().items() if part}
    return Deed(action=action, subject=rule_id, project_id=project_id, detail=detail)


def _beginning() -> Progress:
    return Progress.beginning(time_ns() // 1000)


async def _alone(db: AsyncConnection, project_id: str) -> None:
    """One change of a project's rules at a time: what it has counted and compared stays as it is."""
    await db.execute("SELECT FROM projects WHERE id = %s FOR NO KEY UPDATE", [project_id])


async def _check_name(db: AsyncConnection, project_id: str, name: str, rule_id: str) -> None:
    others = await db.execute(
        "SELECT id FROM alert_rules WHERE project_id = %s AND name = %s AND id <> %s", [project_id, name, rule_id]
    )
    if taken := await others.fetchone():
        raise NameTaken(taken[0])


async def _find(db: AsyncConnection, project_id: str, rule_id: str) -> StoredRule | None:
    return _first(await (await db.execute(_FOUND + _OF_ID, [project_id, rule_id])).fetchall())


def _first(rows: Sequence[Sequence[Any]]) -> StoredRule | None:
    return _rule(rows[0]) if rows else None


def _rule(row: Sequence[Any]) -> StoredRule:
    rule_id, project_id, rule, url, secret, progress, *rest = row
    target = Target(Secret(url), Secret(secret))
    decoded = msgspec.json.decode(rule, type=Rule), target, msgspec.json.decode(progress, type=Progress)
    return StoredRule(rule_id, project_id, *decoded, *rest)


def _texts(target: Target) -> tuple[str, str]:
    return target.url.reveal(), target.secret.reveal()
