"""The audit log in real Postgres: what commands write down, and what nobody can change."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString

import pytest

from shared.audit import ACTIONS, MAX_ITEMS, MAX_TEXT, Actor, Deed, account, audit, audit_async
from shared.audit_log import AuditLog, Entry, Wanted, list_entries
from shared.clients.postgres import Connection, Postgres, QueryRefused, connect
from shared.keys import revoke_key
from shared.projects import Project, create_project
from shared.users import create_user, grant
from tests.integration.shared.cli import Cli

ALL_ENTRIES = Wanted(limit=1000)
STRANGER = Actor(kind="stranger", address="192.0.2.7")
SECRETS = ("correct horse battery", "hush hush", "hush again")


@pytest.fixture
async def audit_log(migrated_postgres: str) -> AsyncIterator[AuditLog]:
    postgres = Postgres(migrated_postgres)
    yield AuditLog(postgres)
    await postgres.close()


def written(url: str, project: str | None = None) -> list[Entry]:
    with connect(url) as db:
        return list_entries(db, project, ALL_ENTRIES)[::-1]


def told(entries: list[Entry]) -> list[tuple[str, str, Any]]:
    return [(each.action, each.subject, each.detail) for each in entries]


def test_each_command_writes_down_what_it_changed_and_no_secret(cli: Cli) -> None:
    cli.json("project", "create", "P", "--id", "p", "--drain-secret", "hush hush")
    cli.json("project", "update", "p", "--retention-days", "90", "--drain-secret", "hush again")
    cli.json("project", "update", "p", "--retention-days", "90")
    made = cli.json("key", "create", "--project", "p", "--name", "edge", "--origin", "https://a.example")
    rotated = cli.json("key", "rotate", made["id"])
    for _ in range(2):
        cli.json("key", "revoke", made["id"])
    cli.run("user", "create", "ann", "--project", "p", "--role", "viewer", typed="correct horse battery")
    for _ in range(2):
        cli.json("user", "grant", "ann", "--project", "p", "--role", "owner")
    link = cli.json("user", "link", "ann")["link"].partition("token=")[2]
    cli.run("user", "password", "ann", typed="correct horse battery 2")
    cli.json("user", "disable", "ann")
    cli.json("user", "enable", "ann")
    entries = written(cli.postgres_url)
    assert [(each.action, each.subject) for each in entries] == [
        ("project.made", "P"),
        ("project.changed", "P"),
        ("key.made", made["id"]),
        ("key.made", rotated["id"]),
        ("key.rotated", made["id"]),
        ("key.revoked", made["id"]),
        ("user.made", "ann"),
        ("user.role", "ann"),
        ("user.role", "ann"),
        ("user.link", "ann"),
        ("user.password", "ann"),
        ("user.disabled", "ann"),
        ("user.enabled", "ann"),
    ]
    changed, edge, role = entries[1].detail, entries[2].detail, entries[8].detail
    assert changed == {"retention_days": [30, 90], "drain_secret": ["set", "replaced"]}
    assert (edge["name"], edge["prefix"], edge["origins"]) == ("edge", made["key"][:8], ["https://a.example"])
    assert role == {"role": ["viewer", "owner"]}
    assert entries[10].detail == {"sessions_ended": 0, "links_ended": 1}
    assert {(each.actor_kind, each.actor) for each in entries} == {("command", account())}
    assert all(each.address for each in entries)
    assert {each.project_id for each in entries} == {"p", None}
    kept = "".join(map(repr, entries))
    assert not [secret for secret in (*SECRETS, made["key"], rotated["key"], link) if secret in kept]


def test_what_people_overrule_is_written_down(cli: Cli, tmp_path: Path) -> None:
    cli.json("project", "create", "P", "--id", "p")
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nname = "timeouts"\nmessage = "*timed out*"\ngroup = "timeouts"\n')
    by = ("--project", "p", "--by", "Bob")
    for _ in range(2):
        revision = cli.json("grouping", "rules", "set", str(rules), *by)["revision"]
    one, other = "1" * 64, "2" * 64
    for _ in range(2):
        cli.json("grouping", "merge", one, "--into", other, *by)
    cli.json("grouping", "unmerge", one, *by)
    _, *entries = written(cli.postgres_url)
    assert told(entries) == [
        ("rules.set", str(revision), {"rules": ["timeouts"]}),
        ("groups.merged", one, {"into": other}),
        ("groups.unmerged", one, {"from": other}),
    ]
    assert {(each.actor_kind, each.actor, each.project_id) for each in entries} == {("command", "Bob", "p")}


def test_people_read_it_with_a_command(cli: Cli) -> None:
    cli.json("project", "create", "P", "--id", "p")
    cli.json("project", "create", "Q", "--id", "q")
    with connect(cli.postgres_url) as db:
        create_user(db, "eve", None)
        audit(db, Deed(action="session.refused", detail={"by": "password"}), STRANGER)
    assert [each["subject"] for each in cli.json("audit-log", "--project", "q")["entries"]] == ["Q"]
    everything = cli.json("audit-log", "--limit", "3")["entries"]
    assert [each["action"] for each in everything] == ["project.made", "user.made", "session.refused"]
    assert [each["subject"] for each in cli.json("audit-log", "--action", "project")["entries"]] == ["P", "Q"]
    assert "192.0.2.7" in cli.run("audit-log", "--action", "session.refused")
    assert "there is no action 'x'" in cli.run("audit-log", "--action", "x", fails=True)


def test_a_change_that_is_taken_back_leaves_no_entry(migrated_postgres: str) -> None:
    with connect(migrated_postgres) as db:
        create_project(db, Project(id="p", name="P"))
        db.rollback()
    assert written(migrated_postgres) == []
    with connect(migrated_postgres) as db:
        assert revoke_key(db, "key_none") is None
    assert written(migrated_postgres) == []


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_entries_are_neither_changed_nor_deleted(migrated_postgres: str, statement: LiteralString) -> None:
    with connect(migrated_postgres) as db:
        create_project(db, Project(id="p", name="P"))
    before = written(migrated_postgres)
    with pytest.raises(QueryRefused, match="never changed"), connect(migrated_postgres) as db:
        db.execute(statement)
    assert written(migrated_postgres) == before != []


async def test_old_entries_are_deleted_after_their_days(
    audit_log: AuditLog, migrated_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.audit_log.AT_ONCE", 2)
    with connect(migrated_postgres) as db:
        for days in (1, 32, 40, 400, 401, 402):
            _old(db, days)
    assert await audit_log.prune(timedelta(days=365)) == 3
    assert await audit_log.prune(timedelta(days=0)) == 2, "never below 30 days"
    assert [each.subject for each in written(migrated_postgres)] == ["1"]


def _old(db: Connection, days: int) -> None:
    db.execute(
        "INSERT INTO audit_log (at, actor_kind, actor_id, actor, address, action, subject, detail)"
        " VALUES (now() - make_interval(days => %s), 'command', '', '', '', 'key.made', %s, '{}')",
        [days, str(days)],
    )


async def test_a_stranger_fills_nothing_and_hides_nothing(migrated_postgres: str) -> None:
    postgres = Postgres(migrated_postgres)
    refused = Deed(action="session.refused", hourly=5)

    async def again(deed: Deed) -> bool:
        return await postgres.change(lambda db: audit_async(db, deed, STRANGER))

    try:
        assert [await again(refused) for _ in range(8)] == [True] * 5 + [False] * 3
        of_a_user = Deed(action="session.refused", user_id="user_1", hourly=5)
        assert await again(of_a_user), "tries with a user's name are counted apart"
    finally:
        await postgres.close()
    assert len(written(migrated_postgres)) == 6


async def test_an_entry_is_small_and_can_be_stored_whatever_is_in_it(
    audit_log: AuditLog, migrated_postgres: str
) -> None:
    odd = "\0\ud800" + "x" * 10_000
    detail = {"text": odd, "list": [odd] * 100, "map": {f"{n}{odd}": {"deep": odd} for n in range(100)}}
    with connect(migrated_postgres) as db:
        audit(db, Deed(action="key.made", subject=odd, project_id="p", detail=detail), Actor(kind="user", name=odd))
    (entry,) = await audit_log.of_project("p", ALL_ENTRIES)
    assert len(entry.subject) == len(entry.actor) == MAX_TEXT
    assert entry.detail["list"][-1] == "and 80 more"
    assert len(entry.detail["list"]) == MAX_ITEMS + 1
    assert len(json.dumps(entry.detail)) < 50_000


async def test_a_project_sees_what_concerns_it_alone(audit_log: AuditLog, migrated_postgres: str) -> None:
    with connect(migrated_postgres) as db:
        for project in ("p", "q"):
            create_project(db, Project(id=project, name=project))
        for name, project in (("ann", "p"), ("bob", "q"), ("eve", None)):
            create_user(db, name, None)
            if project:
                grant(db, name, project, "viewer")
        audit(db, Deed(action="queue.replayed", subject="logs", project_id="*"))
        audit(db, Deed(action="session.refused"), STRANGER)
    of_p = told(await audit_log.of_project("p", ALL_ENTRIES))
    assert [(action, subject) for action, subject, _ in of_p] == [
        ("queue.replayed", "logs"),
        ("user.role", "ann"),
        ("user.made", "ann"),
        ("project.made", "p"),
    ]
    assert len(written(migrated_postgres)) == 9
    about_users = await audit_log.of_project("p", Wanted(actions=["user"], limit=1))
    assert [each.action for each in about_users] == ["user.role"]
    (older,) = await audit_log.of_project("p", Wanted(actions=["user"], before=about_users[0].id))
    assert older.action == "user.made"


async def test_pages_of_it_meet_while_entries_are_added(audit_log: AuditLog, migrated_postgres: str) -> None:
    with connect(migrated_postgres) as db:
        for n in range(25):
            audit(db, Deed(action=ACTIONS[n % len(ACTIONS)], subject=str(n), project_id="p"))
    found: list[str] = []
    before: int | None = None
    while page := await audit_log.of_project("p", Wanted(before=before, limit=10)):
        found += [each.subject for each in page]
        before = page[-1].id
        await asyncio.to_thread(_add, migrated_postgres)
    assert found == [str(n) for n in reversed(range(25))]


def _add(url: str) -> None:
    with connect(url) as db:
        audit(db, Deed(action="view.made", subject="new", project_id="p"))
