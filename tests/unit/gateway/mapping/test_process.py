"""The process that reads maps, and maps that want to harm it. All end in an answer, and the next map is read."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

import pytest

from gateway.mapping.answers import Unmapped
from gateway.mapping.files import Found
from gateway.mapping.process import MapProcess
from gateway.mapping.questions import Reply
from shared.memory import resident_bytes
from shared.sourcemaps.index import StoredFile
from tests.bundles import MemoryBlobs, built

EMPTY = b'{"version":3,"sources":["a.js"],"names":[],"mappings":"AAAA"}'
LARGE = 40_000_000


@dataclass
class Desk:
    blobs: MemoryBlobs
    process: MapProcess

    def store(self, path: str, content: bytes) -> StoredFile:
        digest = sha256(content).hexdigest()
        self.blobs.held[digest] = content
        return StoredFile(path, digest, len(content))

    async def ask(self, content: bytes, code: bytes | None = None, project_id: str = "p") -> Reply | Unmapped:
        its = self.store("a.js", code) if code is not None else None
        return await self.process.ask(project_id, Found(self.store("a.js.map", content), its), [(1, 1)])

    async def reads_the_next(self) -> bool:
        """Whether a good map is read."""
        reply = await self.ask(built("first")["first.js.map"], project_id="q")
        return isinstance(reply, Reply) and reply.lines == 5

    @property
    def pid(self) -> int:
        child = self.process._child._process
        assert child is not None
        return child.pid


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    blobs = MemoryBlobs()
    made = Desk(blobs, MapProcess(blobs, within_s=60.0))  # on a busy machine a good map may take seconds
    yield made
    await made.process.close()


def said(reply: Reply | Unmapped) -> str:
    return reply.reason if isinstance(reply, Unmapped) else reply.outcome


HOSTILE = {
    "JSON nested 20 million deep": b'{"version":3,"x":' + b"[" * (LARGE // 2) + b"]" * (LARGE // 2) + b"}",
    "maps nested in sections": b'{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":' * 200_000,
    "13 million sources": b'{"version":3,"sources":[' + b'"",' * (LARGE // 3) + b'"a"],"names":[],"mappings":"A"}',
    "20 million names": b'{"version":3,"sources":["a"],"names":[' + b"1," * (LARGE // 2) + b'1],"mappings":"AAAA"}',
    "20 million segments": b'{"version":3,"sources":["a"],"names":[],"mappings":"' + b"A," * (LARGE // 2) + b'"}',
    "40 million lines": b'{"version":3,"sources":["a"],"names":[],"mappings":"' + b";" * LARGE + b'AAAA"}',
    "a number without end": b'{"version":3,"sources":["a"],"names":[],"mappings":"' + b"g" * LARGE + b'"}',
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_map_ends_in_an_answer_and_costs_this_process_nothing(desk: Desk, name: str) -> None:
    assert await desk.reads_the_next()
    content = HOSTILE[name]
    before = resident_bytes()
    reply = await desk.ask(content)
    assert resident_bytes() - before < 2 * len(content)
    assert isinstance(reply, Reply) or reply.status == "map_unreadable"
    assert await desk.reads_the_next()


async def test_a_map_that_takes_too_much_memory_is_unreadable(desk: Desk) -> None:
    assert said(await desk.ask(HOSTILE["13 million sources"])).endswith(
        "can't be read (it takes too much time or memory): build and upload it again."
    )


@pytest.mark.parametrize("code", [b"(" * 1_000_000, b"(function(){" * 100_000, b"a?" * 500_000, b"\0\xff" * 1000])
async def test_hostile_code_beside_a_map_only_loses_its_names(desk: Desk, code: bytes) -> None:
    reply = await desk.ask(EMPTY, code)
    assert isinstance(reply, Reply)
    assert reply.tokens[0] is not None
    assert reply.tokens[0].function == ""


async def test_code_is_read_however_deep_a_build_tool_nests_it(desk: Desk) -> None:
    nested = b"function top(){" + b"(function(){" * 5000 + b"})" * 5000 + b"}"
    reply = await desk.ask(EMPTY, nested)
    assert isinstance(reply, Reply)
    assert desk.process._bad == {}


async def test_a_map_that_takes_too_long_ends_the_child_and_the_next_is_read(desk: Desk) -> None:
    hasty = MapProcess(desk.blobs, within_s=0.01)
    found = Found(desk.store("a.js.map", HOSTILE["20 million segments"]))
    assert said(await hasty.ask("p", found, [(1, 1)])).startswith("a.js.map can't be read (it takes too much time")
    hasty._child._within_s = 60.0
    assert isinstance(await Desk(desk.blobs, hasty).ask(EMPTY), Reply)
    await hasty.close()


async def test_a_map_that_was_bad_is_not_read_again_so_soon(desk: Desk) -> None:
    for _ in range(3):
        assert said(await desk.ask(b"{")).startswith("a.js.map can't be read (")
    assert desk.blobs.n_got == 1


async def test_a_map_larger_than_any_upload_is_not_even_fetched(desk: Desk) -> None:
    huge = StoredFile("a.js.map", "0" * 64, 10**9)
    assert "larger than 60,000,000 bytes" in said(await desk.process.ask("p", Found(huge), [(1, 1)]))
    assert desk.blobs.n_got == 0


async def test_a_child_that_was_killed_is_started_again(desk: Desk) -> None:
    assert await desk.reads_the_next()
    os.kill(desk.pid, signal.SIGKILL)
    assert isinstance(await desk.ask(EMPTY), (Reply, Unmapped))
    assert await desk.reads_the_next()


async def test_a_reader_that_leaves_does_not_end_the_child(desk: Desk) -> None:
    assert await desk.reads_the_next()
    pid = desk.pid
    leaving = asyncio.create_task(desk.ask(EMPTY))
    await asyncio.sleep(0)  # it has its turn
    assert desk.process._asking
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await desk.reads_the_next()
    assert desk.pid == pid


async def test_a_project_with_many_questions_lets_another_pass(desk: Desk) -> None:
    order: list[str] = []

    async def ask(project_id: str, n: int) -> None:
        await desk.ask(EMPTY.replace(b"a.js", b"%d.js" % n), project_id=project_id)
        order.append(project_id)

    many = [asyncio.create_task(ask("p", n)) for n in range(10)]
    await asyncio.sleep(0)
    await ask("q", 99)
    await asyncio.gather(*many)
    assert order.index("q") <= 2


async def test_more_questions_than_may_wait_are_asked_to_come_again(desk: Desk) -> None:
    replies = await asyncio.gather(*(desk.ask(EMPTY) for _ in range(100)))
    assert {said(each) for each in replies} == {
        "read",
        "Reading the source maps takes too long now: read the event again later.",
    }


async def test_the_child_keeps_what_it_has_read(desk: Desk) -> None:
    for _ in range(5):
        assert isinstance(await desk.ask(EMPTY), Reply)
    assert desk.blobs.n_got == 1
