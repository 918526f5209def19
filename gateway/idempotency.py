"""A repeat of a request gets the first one's answer, and nothing is published twice
(contracts.md, "Idempotency-Key"; delivery.md, "The idempotency mark").

A mark in Redis is *pending* before the publish, *done* with the answer after it, and removed if the publish failed.
Setting it to done before the publish would lose data: the repeat of a failed request would be answered and not stored.
"""

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import structlog

from gateway.http.answer import Answer
from gateway.rejections import MAX_KEY, KeyReused, KeyTooLong, Unavailable
from shared.clients.redis import Redis, RedisUnavailable, Script
from shared.metrics import Metrics

PENDING_S = 60
"""How long a request may be under way, seconds; longer than the wait for any publish: for a connection, in a batch and
for a spool's disk."""

DONE_S = 600
"""How long an answer is remembered, seconds."""

_TAKE = Script("""
local found = {}
for n, key in ipairs(KEYS) do
  found[n] = redis.call('GET', key)
  if not found[n] then redis.call('SET', key, ARGV[n + 1], 'EX', ARGV[1]) end
end
return found
""")
"""Sets each mark that is free; the others as they are."""

_SET = Script("for n, key in ipairs(KEYS) do redis.call('SET', key, ARGV[n + 1], 'EX', ARGV[1]) end")
_FREE = Script("""
for n, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[n] then redis.call('DEL', key) end
end
""")
"""Deletes those marks that are still our own."""


_log = structlog.get_logger(__name__)


class _Mark(msgspec.Struct, gc=False, array_like=True):
    """What Redis holds for a key; without an answer it is pending. `owner` tells one try from the next."""

    digest: bytes
    owner: bytes
    answer: Answer | None = None


_log = structlog.get_logger(__name__)


class Marks(NamedTuple):
    """The marks of several things that are published together."""

    ours: dict[str, bytes]
    """Name in Redis -> the pending mark that we set there."""
    found: dict[bytes, bytes]
    """Key -> digest of what was published under it before."""


_DONE = Answer(0, b"")
"""Stands in the mark of one event: whoever sends it again gets the answer to what it is sent with."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Mark).decode

IMPLICIT = b"\n"
"""Begins the keys that no client sent, but that follow from the body: no header's value begins so."""

Work = Callable[[], Awaitable[Answer]]
"""Publishes and returns the answer. Raises when nothing was acknowledged."""


def digest_of(body: bytes, token: str | None = None) -> bytes:
    """16 bytes that tell one unpacked body from another. The request's key is no part of it, if it stands in the body:
    the same body is a repeat however it carries its key."""
    carried = (token or "").encode(errors="surrogatepass")
    if carried and carried in body:
        body = _without(carried, body)
    return blake2b(body, digest_size=16).digest()


def _without(token: bytes, body: bytes) -> bytes:
    field = rb'"api_key"\s*:\s*"%b"' % re.escape(token)
    return re.sub(rb"%b\s*,\s*|,\s*%b|%b" % (field, field, field), b"", body)


def key_from(header: bytes | None) -> bytes | None:
    """The key that a request names; None if it names none. Raises `KeyTooLong`."""
    if header is None or not (key := header.strip()):
        return None
    if len(key) > MAX_KEY:
        raise KeyTooLong
    return key


class Idempotency:
    """Remembers requests by a key, for a project and a route.

    1. The answer is remembered after the work succeeded, never before; failed work leaves nothing behind.
    2. With Redis away the work is done all the same, and counted: a repeat may be stored twice, but nothing is lost.
    """

    def __init__(self, redis: Redis, metrics: Metrics, prefix: str = "sluice:idempotency:") -> None:
        self._redis = redis
        self._unguarded = metrics.unguarded
        self._unreadable = metrics.unreadable
        self._repeats = metrics.repeats
        self._prefix = prefix

    async def once(self, project_id: str, route: str, key: bytes, digest: bytes, work: Work) -> Answer:
        """The answer of `work`, or the one it gave before under this key.

        `digest` is `digest_of` the unpacked body. A drain, which has no key, uses an `IMPLICIT` one, of the digest
        (contracts.md, "Drain": a repeat of the same unpacked body is answered, not published again).

        Raises:
            KeyReused: another body came with this key before.
            Unavailable: the first request is still under way.
            Whatever `work` raises; then the key is free again.
        """
        name = self._name(project_id, route, key)
        pending = _encode(_Mark(digest, os.urandom(8)))
        try:
            ours = await self._redis.call("SET", name, pending, "NX", "EX", PENDING_S)
            mark = None if ours else await self._mark(name, pending)
        except RedisUnavailable:
            self._unguarded.labels("begin").inc()
            return await work()
        if mark is not None:
            answer = _repeated(mark, digest)
            self._repeats.inc()
            return answer
        try:
            answer = await work()
        except BaseException:
            await self._forget(name, pending)
            raise
        await self._remember(name, _encode(_Mark(digest, b"", answer)))
        return answer

    async def _mark(self, name: str, pending: bytes) -> _Mark | None:
        """The mark of an earlier request; None if it can't be read: then it counts as absent, and is ours now.

        Raises `Unavailable` if it has just gone: the first request failed, or its time is over.
        """
        found = await self._redis.call("GET", name)
        if found is None:
            raise Unavailable
        if (mark := self._read(found)) is None:
            await self._redis.call("SET", name, pending, "EX", PENDING_S)
        return mark

    async def begin(self, project_id: str, route: str, digests: Mapping[bytes, bytes]) -> "Marks":
        """Mark what is about to be published: key -> `digest_of` it. One round trip, however many they are.

        `Marks.found` says what there was under a key before. Raises `Unavailable` if some of it is under way; then none
        of these marks is kept.
        """
        keys = list(digests)
        names = [self._name(project_id, route, key) for key in keys]
        owner = os.urandom(8)
        pending = [_encode(_Mark(digests[key], owner)) for key in keys]
        try:
            answers = await self._redis.run(_TAKE, [*names], [PENDING_S, *pending])
        except RedisUnavailable:
            self._unguarded.labels("begin").inc()
            return Marks({}, {})
        ours: dict[str, bytes] = {}
        found: dict[bytes, _Mark] = {}
        for key, name, mark, there in zip(keys, names, pending, answers, strict=True):
            if there is None:
                ours[name] = mark
            elif (known := self._read(there)) is not None:
                found[key] = known
        if any(mark.answer is None for mark in found.values()):
            await self.end(Marks(ours, {}), succeeded=False)
            raise Unavailable
        self._repeats.inc(len(found))
        return Marks(ours, {key: mark.digest for key, mark in found.items()})

    async def end(self, marks: "Marks", *, succeeded: bool) -> None:
        """What was marked is published, or was not. With Redis away the marks expire by themselves."""
        if not marks.ours:
            return
        names = list(marks.ours)
        try:
            if succeeded:
                done = [_encode(msgspec.structs.replace(_decode(mark), answer=_DONE)) for mark in marks.ours.values()]
                await self._redis.run(_SET, [*names], [DONE_S, *done])
            else:
                await self._redis.run(_FREE, [*names], [*marks.ours.values()])
        except RedisUnavailable:
            self._unguarded.labels("done" if succeeded else "failed").inc()

    async def _remember(self, name: str, done: bytes) -> None:
        try:
            await self._redis.call("SET", name, done, "EX", DONE_S)
        except RedisUnavailable:
            self._unguarded.labels("done").inc()

    async def _forget(self, name: str, pending: bytes) -> None:
        """Remove this request's own pending mark. With Redis away it expires by itself."""
        try:
            await self._redis.run(_FREE, [name], [pending])
        except RedisUnavailable:
            self._unguarded.labels("failed").inc()

    def _read(self, found: bytes) -> _Mark | None:
        """A mark; None, and counted, for what can't be read: it counts as absent."""
        try:
            return _decode(found)
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
            self._unreadable.labels("mark").inc()
            _log.error("an idempotency mark can't be read: it counts as absent", error=str(error))
            return None

    def _name(self, project_id: str, route: str, key: bytes) -> str:
        scope = msgspec.json.encode((project_id, route))
        return self._prefix + blake2b(scope + key, digest_size=20).hexdigest()


def _repeated(mark: _Mark, digest: bytes) -> Answer:
    if mark.digest != digest:
        raise KeyReused
    if mark.answer is None:
        raise Unavailable
    return mark.answer
