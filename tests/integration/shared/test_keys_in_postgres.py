"""Projects and keys in real Postgres."""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from deploy.local.demo import ensure_demo
from deploy.local.postgres import Postgres as PostgresServer
from shared.clients.postgres import LockHeld, Postgres, PostgresUnavailable, QueryRefused, connect, locked
from shared.keys import (
    NOT_PUBLIC,
    ResolvedKey,
    Scope,
    create_key,
    find_key,
    generate,
    hash_key,
    list_keys,
    revoke_key,
)
from shared.migrations.postgres import migrate_postgres
from shared.projects import Project, UnknownProject, create_project, list_projects
from tests.faults.processes import frozen


async def prepare(url: str) -> str:
    async with locked(url, "test", wait_s=5) as db:
        await migrate_postgres(db)
    return url


@pytest.fixture
def url(migrated_postgres: str) -> str:
    return migrated_postgres


@pytest.fixture
async def postgres(url: str) -> AsyncIterator[Postgres]:
    made = Postgres(url)
    yield made
    await made.close()


def add_key(url: str, **rules: object) -> tuple[str, str]:
    """(key, its id) in the project `p`, which is made if need be."""
    key = generate("dt")
    with connect(url) as db:
        create_project(
            db, Project(id="p", name="P", retention_days=90, drain_secret="s", drain_limit=7, lane_records_s=9)
        )
        return key, create_key(db, "p", key, **{"scopes": ["ingest"], **rules})  # type: ignore[arg-type]


async def test_a_key_brings_its_own_rules_and_its_projects(url: str, postgres: Postgres) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    key, key_id = add_key(
        url,
        scopes=["ingest", "read"],
        origins=["https://*.example.com"],
        ingest_limit=0,
        read_limit=5,
        expires_at=until,
    )
    assert await find_key(postgres, hash_key(key)) == ResolvedKey(
        key_id=key_id,
        project_id="p",
        scopes=frozenset({"ingest", "read"}),
        origins=("https://*.example.com",),
        ingest_limit=0,
        read_limit=5,
        drain_limit=7,
        retention_days=90,
        drain_secret="s",
        drain_verify=None,
        expires_at=until.timestamp(),
        lane_records_s=9,
    )


async def test_only_the_hash_of_a_key_is_stored(url: str) -> None:
    key, _ = add_key(url)
    with connect(url) as db:
        (row,) = db.execute("SELECT row_to_json(keys)::text FROM keys").fetchall()
        assert key not in row[0]
        assert hash_key(key) in row[0]
        assert list_keys(db, "p")[0].prefix == key[:8]


async def test_unknown_revoked_and_expired_keys_are_not_found(url: str, postgres: Postgres) -> None:
    assert await find_key(postgres, hash_key("dt_unknown")) is None
    expired, _ = add_key(url, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert await find_key(postgres, hash_key(expired)) is None
    key, key_id = add_key(url)
    assert await find_key(postgres, hash_key(key)) is not None
    with connect(url) as db:
        assert revoke_key(db, key_id) == hash_key(key)
        assert revoke_key(db, "key_unknown") is None
    assert await find_key(postgres, hash_key(key)) is None
    with connect(url) as db:
        first = list_keys(db, "p")[-1].revoked_at
        revoke_key(db, key_id)
        assert list_keys(db, "p")[-1].revoked_at == first


async def test_a_project_is_made_once_and_its_retention_is_one_of_few(url: str) -> None:
    with connect(url) as db:
        assert create_project(db, Project(id="p", name="first"))
        assert not create_project(db, Project(id="p", name="second", retention_days=365))
        assert list_projects(db) == [Project(id="p", name="first", retention_days=30)]
        with pytest.raises(ValueError, match="7, 30, 90, 365, 3650"):
            create_project(db, Project(id="q", name="q", retention_days=31))
        with pytest.raises(UnknownProject, match="'q'"):
            create_key(db, "q", generate("dt"), scopes=["read"])
        with pytest.raises(ValueError, match="scope"):
            create_key(db, "p", generate("dt"), scopes=[])


@pytest.mark.parametrize("scope", sorted(NOT_PUBLIC))
async def test_a_public_key_can_not_decide_anything(url: str, postgres: Postgres, scope: Scope) -> None:
    key, key_id = add_key(url, scopes=["read", scope])
    found = await find_key(postgres, hash_key(key))
    assert found is not None
    assert found.scopes == {"read", scope}
    with connect(url) as db, pytest.raises(ValueError, match=f"may not {scope}"):
        create_key(db, "p", generate("pk"), scopes=["read", scope])
    with pytest.raises(QueryRefused, match="keys_public_check"), connect(url) as db:
        db.execute("UPDATE keys SET prefix = 'pk_abcde' WHERE id = %s", [key_id])


async def test_nothing_is_stored_of_a_block_that_fails(url: str) -> None:
    def create_then_fail() -> None:
        with connect(url) as db:
            create_project(db, Project(id="p", name="p"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        create_then_fail()
    with connect(url) as db:
        assert list_projects(db) == []


async def test_no_text_becomes_part_of_a_statement(url: str, postgres: Postgres) -> None:
    nasty = "'; DROP TABLE keys; -- %s %(x)s"
    with connect(url) as db:
        create_project(db, Project(id=nasty, name=nasty))
        create_key(db, nasty, nasty, scopes=["read"], origins=[nasty], name=nasty)
    found = await find_key(postgres, hash_key(nasty))
    assert found is not None
    assert (found.project_id, found.origins) == (nasty, (nasty,))
    assert await find_key(postgres, nasty) is None


async def test_the_demo_keys_stay_the_same(url: str, postgres: Postgres, tmp_path: Path) -> None:
    file = tmp_path / "var" / "keys.json"
    keys = ensure_demo(url, file)
    assert ensure_demo(url, file) == keys
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys.ingest_key.startswith("dt_")
    assert keys.public_key.startswith("pk_")
    with connect(url) as db:
        assert len(list_keys(db, keys.project_id)) == 3
    for key, scope in ((keys.ingest_key, "ingest"), (keys.public_key, "ingest"), (keys.read_key, "read")):
        found = await find_key(postgres, hash_key(key))
        assert found is not None
        assert (found.scopes, found.retention_days, found.ingest_limit, found.read_limit) == ({scope}, 3650, 0, 0)


async def test_the_demo_keys_come_back_into_a_fresh_database(url: str, postgres: Postgres, tmp_path: Path) -> None:
    keys = ensure_demo(url, tmp_path / "keys.json")
    with connect(url) as db:
        db.execute("DELETE FROM projects")
    assert await find_key(postgres, hash_key(keys.read_key)) is None
    assert ensure_demo(url, tmp_path / "keys.json") == keys
    assert await find_key(postgres, hash_key(keys.read_key)) is not None


async def test_a_file_without_keys_is_named(url: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(ValueError, match=r"keys\.json doesn't hold demo keys"):
        ensure_demo(url, tmp_path / "keys.json")


async def test_postgres_away_is_told_from_an_unknown_key_and_comes_back(
    own_postgres: Callable[..., PostgresServer],
) -> None:
    server = own_postgres()
    await prepare(server.url)
    key, _ = add_key(server.url)
    postgres = Postgres(server.url)
    assert await find_key(postgres, hash_key(key)) is not None
    server.stop()
    with pytest.raises(PostgresUnavailable):
        await find_key(postgres, hash_key(key))
    with pytest.raises(PostgresUnavailable), connect(server.url):
        pass
    server.start()
    assert await find_key(postgres, hash_key(key)) is not None
    await postgres.close()


async def test_a_frozen_postgres_holds_nobody_for_long(own_postgres: Callable[..., PostgresServer]) -> None:
    server = own_postgres()
    postgres = Postgres(server.url, timeout_s=1)
    await asyncio.gather(*(postgres.ping() for _ in range(10)))
    assert server.pid is not None
    with frozen(server.pid):
        started = monotonic()
        answers = await asyncio.gather(*(postgres.ping() for _ in range(20)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {PostgresUnavailable}
        assert monotonic() - started < 20
    await until_it_answers(postgres)
    await postgres.close()


async def until_it_answers(postgres: Postgres) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(PostgresUnavailable):
                return await postgres.ping()
            await asyncio.sleep(0.1)


async def test_a_database_that_was_not_migrated_is_unavailable(postgres_database: str) -> None:
    postgres = Postgres(postgres_database)
    with pytest.raises(PostgresUnavailable, match="keys"):
        await find_key(postgres, hash_key("x"))
    await postgres.ping()
    await postgres.close()


async def test_a_lock_is_held_by_one_and_goes_with_its_connection(postgres_database: str) -> None:
    async with locked(postgres_database, "mine", wait_s=5):
        with pytest.raises(LockHeld, match="'mine'"):
            async with locked(postgres_database, "mine", wait_s=0.05):
                pass
        async with locked(postgres_database, "another", wait_s=60):
            pass
    async with locked(postgres_database, "mine", wait_s=60):  # the server notices the end of a connection in its time
        pass


async def test_a_lock_is_unavailable_when_its_connection_ends_while_it_waits(postgres_database: str) -> None:
    async def wait() -> None:
        async with locked(postgres_database, "mine", wait_s=60):
            pass

    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'advisory'"
    async with locked(postgres_database, "mine", wait_s=5) as holder:
        waiting = asyncio.create_task(wait())
        async with asyncio.timeout(10):
            while not (await holder.execute(end)).rowcount:  # noqa: ASYNC110 - the server makes it true
                await asyncio.sleep(0.01)
        with pytest.raises(PostgresUnavailable, match="AdminShutdown"):
            await waiting
