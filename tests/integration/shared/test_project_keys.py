"""A project's keys in real Postgres, as its owners change them while a gateway runs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from shared import project_keys as module
from shared.audit import Actor
from shared.clients.postgres import Postgres, connect, locked
from shared.clients.redis import RedisUnavailable
from shared.keys import Key, find_key, hash_key
from shared.migrations.postgres import migrate_postgres
from shared.project_keys import NewKey, ProjectKeys, TooManyKeys
from shared.projects import Project, create_project

ANN = Actor(kind="user", id="user_1", name="Ann", address="192.0.2.7")
READING = NewKey(kind="dt", name="a", scopes=("read",), limit=3)


class Gateways:
    """Those who are told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.away = False

    async def tell(self, digest: str) -> None:
        if self.away:
            raise RedisUnavailable("away")
        self.told.append(digest)


@pytest.fixture
async def postgres(postgres_database: str) -> AsyncIterator[Postgres]:
    async with locked(postgres_database, "test", wait_s=5) as db:
        await migrate_postgres(db)
    with connect(postgres_database) as connection:
        for name in ("p", "q"):
            create_project(connection, Project(id=name, name=name))
    opened = Postgres(postgres_database)
    yield opened
    await opened.close()


async def test_a_key_has_the_limits_of_what_it_may(postgres: Postgres) -> None:
    keys = ProjectKeys(postgres, Gateways().tell)
    token = await keys.add("p", READING, ANN)
    found = await find_key(postgres, hash_key(token))
    assert found is not None
    assert (found.project_id, found.scopes, found.ingest_limit, found.read_limit) == ("p", {"read"}, None, 3)
    (listed,) = await keys.of_project("p")
    assert isinstance(listed, Key)
    assert (listed.prefix, listed.name, listed.expires_at) == (token[:8], "a", None)
    assert await keys.of_project("q") == []


async def test_each_change_is_told_and_made_without_redis_too(postgres: Postgres) -> None:
    gateways = Gateways()
    keys = ProjectKeys(postgres, gateways.tell)
    first = await keys.add("p", READING, ANN)
    gateways.away = True
    second = await keys.add("p", READING, ANN)
    ids = {key.prefix: key.id for key in await keys.of_project("p")}
    assert await keys.revoke("p", ids[second[:8]], ANN)
    gateways.away = False
    assert await keys.revoke("p", ids[first[:8]], ANN)
    assert gateways.told == [hash_key(first)] * 2
    assert [await find_key(postgres, hash_key(token)) for token in (first, second)] == [None, None]


async def test_a_key_is_replaced_by_one_with_its_rules_and_ends_a_day_later(postgres: Postgres) -> None:
    gateways = Gateways()
    keys = ProjectKeys(postgres, gateways.tell)
    old = await keys.add("p", READING, ANN)
    (first,) = await keys.of_project("p")
    assert await keys.rotate("q", first.id, ANN) is None
    made = await keys.rotate("p", first.id, ANN)
    assert made is not None
    name, new = made
    assert name == "a"
    assert gateways.told[1:] == [hash_key(old), hash_key(new)]
    ended, made_now = await keys.of_project("p")
    assert isinstance(ended, Key)
    assert isinstance(made_now, Key)
    assert ended.expires_at is not None
    assert timedelta(hours=23) < ended.expires_at - datetime.now(UTC) <= module.GRACE
    assert (made_now.scopes, made_now.read_limit, made_now.expires_at) == (("read",), 3, None)
    assert await find_key(postgres, hash_key(old)) is not None
    assert await keys.revoke("p", first.id, ANN)
    assert await keys.rotate("p", first.id, ANN) is None


async def test_another_project_has_no_such_key(postgres: Postgres) -> None:
    gateways = Gateways()
    keys = ProjectKeys(postgres, gateways.tell)
    token = await keys.add("p", READING, ANN)
    (mine,) = await keys.of_project("p")
    assert not await keys.revoke("q", mine.id, ANN)
    assert await find_key(postgres, hash_key(token)) is not None
    assert len(gateways.told) == 1


async def test_a_project_has_no_more_keys_than_it_may(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEYS", 3)
    keys = ProjectKeys(postgres, Gateways().tell)
    made = await asyncio.gather(*(keys.add("p", READING, ANN) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, TooManyKeys) for each in made) == 2
    await keys.add("q", READING, ANN)
    one, *_ = await keys.of_project("p")
    assert await keys.revoke("p", one.id, ANN)
    await keys.add("p", READING, ANN)
    assert (await keys.of_project("p"))[-1].id == one.id


async def test_scopes_that_a_key_cannot_have_are_refused(postgres: Postgres) -> None:
    keys = ProjectKeys(postgres, Gateways().tell)
    for kind, scopes in (("pk", ("operate",)), ("dt", ())):
        with pytest.raises(ValueError, match="key"):
            await keys.add("p", NewKey(kind=kind, name="", scopes=scopes), ANN)  # type: ignore[arg-type]  # such kinds
    assert await keys.of_project("p") == []
