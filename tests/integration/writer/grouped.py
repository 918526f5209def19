"""Errors of a project with grouping rules, for tests of the writer and its commands."""

import msgspec

from shared.clients.postgres import connect, locked
from shared.envelope import VERSION, WITH_RULES, seal
from shared.fingerprint import CURRENT
from shared.fingerprint.rules import Rule
from shared.grouping_rules import restore_revision, set_rules
from shared.migrations.postgres import migrate_postgres
from shared.projects import Project, create_project
from tests.integration.writer.records import stamp

PROJECT = "p1"


async def prepare(postgres_url: str) -> str:
    """Migrate, and make the project."""
    async with locked(postgres_url, "test", wait_s=5) as db:
        await migrate_postgres(db)
    with connect(postgres_url) as db:
        create_project(db, Project(id=PROJECT, name="P"))
    return postgres_url


def rule(message: str, group: str) -> Rule:
    return Rule(name=f"rule of {group}", message=message, group=group)


def rules_set(postgres_url: str, *rules: Rule) -> int:
    """The revision that the project has from now on."""
    with connect(postgres_url) as db:
        return set_rules(db, PROJECT, rules, by="test")[0]


def revision_restored(postgres_url: str, revision: int, *rules: Rule) -> None:
    with connect(postgres_url) as db:
        assert restore_revision(db, PROJECT, revision, rules, by="test")


def error(name: str, said: str, revision: int = 0) -> bytes:
    """A message of one error, stamped with a revision of the project's rules."""
    fields = {"event_ids": (name,), "fingerprint_version": CURRENT, "rules_revision": revision}
    version = WITH_RULES if revision else VERSION
    record = msgspec.json.encode(
        [{"error_message": said, "stack_trace": f"TypeError: {said}\n  at {name} (/a.js:1:2)"}]
    )
    return seal(stamp(1, v=version, format="deeptracer.errors", project_id=PROJECT, **fields), record)
