"""Reads positions out of source maps in a process of its own (`gateway.mapping.child`)."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import msgspec
import structlog

from gateway.child import Child, ChildFailed, framed
from gateway.mapping.answers import TOO_SLOW, Unmapped, map_unreadable
from gateway.mapping.files import MAX_BUILT_BYTES, Found
from gateway.mapping.questions import Question, Reply
from gateway.rejections import Unavailable
from gateway.turns import Turns
from shared.sourcemaps.blobs import Blobs

WITHIN_S = 5.0
"""A map of 50 MB takes one second on an idle core."""

MAX_MAP_BYTES = 60_000_000
WAITING = 64

BAD_FOR_S = 30.0
"""A map that could not be read is not tried again so soon: the same content is as bad, unless the machine was busy."""

MOST_BAD = 1000

_log = structlog.get_logger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply).decode

Position = tuple[int, int]


class MapProcess:
    """Answers what stands in the sources at positions of built files.

    1. Projects take turns; of those that wait, too many are refused (`Turns`).
    2. At most one map is in this process's memory, on its way; those read stay with the child, projects by shares.
    3. A map that takes over `within_s`, or more memory than the child may have, is unreadable, and a new child takes
       the next one. Neither that nor a caller that leaves takes the turn of another project.
    """

    def __init__(self, blobs: Blobs, *, within_s: float = WITHIN_S) -> None:
        self._blobs = blobs
        self._child = Child("gateway.mapping.child", within_s=within_s)
        self._turns = Turns(1, WAITING)
        self._bad: dict[str, tuple[float, Unmapped]] = {}
        self._asking: set[asyncio.Task[Reply | Unmapped]] = set()

    async def ask(self, project_id: str, found: Found, positions: Sequence[Position]) -> Reply | Unmapped:
        """A reply with a token for each position. Raises `BlobsUnavailable`."""
        try:
            await self._turns.take(project_id)
        except Unavailable:
            return TOO_SLOW
        # A task of its own: a caller that leaves must not end the child, which holds what others read.
        task = asyncio.create_task(self._reply(project_id, found, list(positions)))
        self._asking.add(task)
        task.add_done_callback(lambda done: self._ended(project_id, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        for task in list(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self._child.close()

    def _ended(self, project_id: str, task: asyncio.Task[Reply | Unmapped]) -> None:
        self._asking.discard(task)
        self._turns.give_back(project_id)
        if not task.cancelled():
            task.exception()  # retrieved, even if the caller has left

    async def _reply(self, project_id: str, found: Found, positions: list[Position]) -> Reply | Unmapped:
        if found.built is not None and found.built.size <= MAX_BUILT_BYTES:
            reply = await self._tried(project_id, found, positions)
            if isinstance(reply, Reply):
                return reply
        return await self._tried(project_id, Found(found.map), positions)

    async def _tried(self, project_id: str, found: Found, positions: list[Position]) -> Reply | Unmapped:
        key = found.map.digest + (found.built.digest if found.built else "")
        until, bad = self._bad.get(key, (0.0, TOO_SLOW))
        if monotonic() < until:
            return bad
        question = Question(key, project_id, positions)
        if found.map.size > MAX_MAP_BYTES:
            return map_unreadable(found.map.path, f"it is larger than {MAX_MAP_BYTES:,} bytes")
        try:
            reply = await self._asked(question)
            if reply.outcome == "unknown":
                content = await self._content(found)
                reply = await self._asked(question, *content) if content else Reply("unreadable", error="it is gone")
        except ChildFailed as error:
            _log.warning("a source map was too much to read", project=project_id, path=found.map.path, error=str(error))
            reply = Reply("unreadable", error="it takes too much time or memory")
        if reply.outcome == "read":
            return reply
        return self._remembered(key, map_unreadable(found.map.path, reply.error))

    async def _asked(self, question: Question, content: bytes = b"", built: bytes = b"") -> Reply:
        whole = msgspec.structs.replace(question, map_bytes=len(content), built_bytes=len(built))
        return _decode(await self._child.ask(framed(_encode(whole)), content, built))

    async def _content(self, found: Found) -> tuple[bytes, bytes] | None:
        """The contents of the map and of its built file, b'' for one that isn't there; None where the map is gone."""
        content = await self._blobs.get(found.map.digest)
        built = await self._blobs.get(found.built.digest) if content and found.built else None
        return (content, built or b"") if content else None

    def _remembered(self, key: str, bad: Unmapped) -> Unmapped:
        if len(self._bad) >= MOST_BAD:
            del self._bad[next(iter(self._bad))]
        self._bad[key] = (monotonic() + BAD_FOR_S, bad)
        return bad
