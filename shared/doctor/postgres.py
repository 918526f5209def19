"""Postgres: reachable, migrated, in time."""

import re
import time
from collections.abc import Iterator

from shared.clients.postgres import Connection, PostgresUnavailable, QueryRefused, connect
from shared.doctor.finding import Finding, of_clock
from shared.migrations.check import migrations_lacking
from shared.migrations.postgres import migrations
from shared.secret import AnyUrl

_PART = "postgres"
_MADE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)")


def look(url: AnyUrl) -> list[Finding]:
    """Blocks."""
    try:
        with connect(url) as db:
            return [*_answers(db), _migrated(db), *_granted(db)]
    except PostgresUnavailable as error:
        return [Finding(_PART, "failure", f"it can't be reached ({error}): check SLUICE_POSTGRES_URL")]
    except QueryRefused as error:
        return [Finding(_PART, "failure", f"it refuses ({error}): run `sluice migrate`, or grant this user its tables")]


def _answers(db: Connection) -> list[Finding]:
    began = time.time()
    (version, there), *_ = db.execute(
        "SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float8"
    ).fetchall()
    here = (began + time.time()) / 2
    return [Finding(_PART, "ok", f"version {version}"), of_clock(_PART, there - here)]


def _migrated(db: Connection) -> Finding:
    if missing := migrations_lacking(db):
        return Finding(_PART, "failure", f"{len(missing)} migrations lack, from {missing[0]} on: run `sluice migrate`")
    applied, known = db.execute("SELECT max(number) FROM sluice_migrations").fetchall()[0][0], migrations()
    if applied > known[-1].number:
        return Finding(_PART, "warning", "a newer Sluice has migrated it: upgrade this one")
    return Finding(_PART, "ok", f"{len(known)} migrations, none lacks")


def _granted(db: Connection) -> Iterator[Finding]:
    """Tables of ours that the user may not read or add to."""
    ours = [name for each in migrations() for name in _MADE.findall(each.sql)]
    lacking = db.execute(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND pg_table_is_visible(oid)"
        " AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')) ORDER BY relname",
        [ours],
    ).fetchall()
    if lacking:
        names = ", ".join(name for (name,) in lacking)
        yield Finding(_PART, "failure", f"this user may not use {names}: GRANT SELECT, INSERT ON {names} TO it")
