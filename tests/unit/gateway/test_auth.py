"""The gateway's cache of keys, with a dict in place of Postgres."""

import asyncio

import pytest

from gateway import auth
from gateway.auth import KeyCache, LookupFailed
from gateway.rejections import Unauthenticated, Unavailable
from shared.keys import ResolvedKey, hash_key

KEY = ResolvedKey(key_id="k", project_id="p", scopes=frozenset({"ingest"}))


class Clock:
    """The cache's clock: it stands still until a test lets time pass."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(auth, "monotonic", clock)
    return clock


async def background() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


class Stored:
    """Stands in for Postgres, which hangs while `gate` is closed."""

    def __init__(self, **keys: ResolvedKey) -> None:
        self.keys = {hash_key(token): key for token, key in keys.items()}
        self.asked = 0
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def lookup(self, digest: str) -> ResolvedKey | None:
        self.asked += 1
        found = self.keys.get(digest)
        await self.gate.wait()
        if self.away:
            raise LookupFailed
        return found


def cache(stored: Stored, fresh_s: float = 30.0, stale_s: float = 3600.0) -> KeyCache:
    return KeyCache(stored.lookup, fresh_s=fresh_s, stale_s=stale_s)


async def test_a_fresh_key_is_asked_for_once_however_many_requests_come_at_once() -> None:
    stored = Stored(good=KEY)
    keys = cache(stored)
    assert set(await asyncio.gather(*(keys.resolve("good") for _ in range(50)))) == {KEY}
    await keys.resolve("good")
    assert stored.asked == 1


async def test_an_unknown_key_is_refused_for_a_while_without_asking() -> None:
    stored = Stored()
    keys = cache(stored)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await keys.resolve("bad")
    assert stored.asked == 1
    assert keys.is_empty


async def test_a_key_that_is_made_is_known_as_soon_as_that_is_told() -> None:
    stored = Stored()
    keys = cache(stored)
    with pytest.raises(Unauthenticated):
        await keys.resolve("new")
    stored.keys[hash_key("new")] = KEY
    keys.forget(hash_key("new"))
    assert await keys.resolve("new") == KEY


async def test_unknown_keys_never_push_out_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_UNKNOWN_KEPT", 3)
    stored = Stored(good=KEY)
    keys = cache(stored)
    await keys.resolve("good")
    for n in range(10):
        with pytest.raises(Unauthenticated):
            await keys.resolve(f"bad{n}")
    stored.away = True
    assert await keys.resolve("good") == KEY


async def test_in_the_second_half_of_its_time_a_key_is_asked_for_beside_and_nobody_waits(clock: Clock) -> None:
    stored = Stored(good=KEY)
    keys = cache(stored, fresh_s=0.4)
    await keys.resolve("good")
    clock.advance(0.25)
    stored.gate.clear()
    async with asyncio.timeout(10):
        assert await keys.resolve("good") == KEY
    await background()
    assert stored.asked == 2
    stored.gate.set()


async def test_after_its_time_a_revoked_key_is_not_used_once_more(clock: Clock) -> None:
    stored = Stored(good=KEY)
    keys = cache(stored, fresh_s=0.05)
    await keys.resolve("good")
    stored.keys.clear()
    clock.advance(0.06)
    with pytest.raises(Unauthenticated):
        await keys.resolve("good")


async def test_with_postgres_away_known_keys_go_on_until_they_are_too_old_and_unknown_ones_are_503(
    clock: Clock,
) -> None:
    stored = Stored(good=KEY)
    keys = cache(stored, fresh_s=0.05, stale_s=0.4)
    await keys.resolve("good")
    stored.away = True
    clock.advance(0.06)
    assert await keys.resolve("good") == KEY
    with pytest.raises(Unavailable):
        await keys.resolve("unknown")
    clock.advance(0.45)
    with pytest.raises(Unavailable):
        await keys.resolve("good")


async def test_while_postgres_hangs_only_the_first_request_waits_for_it(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "AWAY_S", 0.05)
    stored = Stored(good=KEY)
    keys = cache(stored, fresh_s=0.05)
    await keys.resolve("good")
    stored.away = True
    clock.advance(0.06)
    await keys.resolve("good")
    stored.gate.clear()
    async with asyncio.timeout(10):
        for _ in range(20):
            assert await keys.resolve("good") == KEY
            await background()
            clock.advance(0.01)
    assert stored.asked <= 4
    stored.away = False
    stored.gate.set()
    await background()
    clock.advance(0.06)
    stored.keys.clear()
    with pytest.raises(Unauthenticated):  # it is looked up again once Postgres is back
        await keys.resolve("good")


async def test_a_revoked_key_is_not_brought_back_by_a_question_asked_before() -> None:
    stored = Stored(good=KEY)
    keys = cache(stored)
    stored.gate.clear()
    under_way = asyncio.create_task(keys.resolve("good"))
    await background()
    assert stored.asked == 1
    stored.keys.clear()
    keys.forget(hash_key("good"))
    stored.gate.set()
    with pytest.raises(Unauthenticated):
        await under_way
    with pytest.raises(Unauthenticated):
        await keys.resolve("good")


async def test_a_doubted_key_is_asked_for_first_but_goes_on_with_postgres_away(clock: Clock) -> None:
    stored = Stored(good=KEY)
    keys = cache(stored)
    await keys.resolve("good")
    keys.doubt()
    stored.away = True
    assert await keys.resolve("good") == KEY
    stored.away = False
    stored.keys.clear()
    clock.advance(auth.AWAY_S + 0.05)
    await keys.resolve("good")  # asks in the background
    await background()
    with pytest.raises(Unauthenticated):
        await keys.resolve("good")


async def test_an_expired_key_is_refused_although_it_is_cached() -> None:
    keys = cache(Stored(old=ResolvedKey(key_id="k", project_id="p", scopes=frozenset(), expires_at=1.0)))
    with pytest.raises(Unauthenticated):
        await keys.resolve("old")
