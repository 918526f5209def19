"""The process aside sorts an upload, and is ended when it takes too long."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest
from starlette.types import Message, Receive

from gateway.http.deadlines import Deadlines
from gateway.http.request import ClientGone
from gateway.rejections import TimedOut, Unavailable, Unreadable
from gateway.sourcemaps.refusals import BadUpload, UploadTooLarge
from gateway.sourcemaps.sorter import Sorter
from gateway.sourcemaps.spool import PIECE_BYTES, Spool
from gateway.sourcemaps.task import Sorted, Task
from tests.unit.gateway.sourcemaps.forms import BOUNDARY, DEBUG_ID, source_map, upload

MOST = 5_000_000
CONTENT = source_map(debugId=DEBUG_ID)
BODY = upload("1.0", [("a.js.map", CONTENT)])


def sent(*pieces: bytes, ends: bool = True) -> Receive:
    """An ASGI `receive` of these pieces; without an end it is a client that hangs up."""
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b""} if ends else {"type": "http.disconnect"})
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    return receive


@pytest.fixture
async def deadlines() -> AsyncIterator[Deadlines]:
    made = Deadlines(60)
    yield made
    await made.close()


async def sorted_of(deadlines: Deadlines, body: bytes, coding: str = "", within_s: float = 60) -> Sorted:
    with Spool(MOST) as spool:
        await spool.fill(sent(body), deadlines)
        done = await Sorter(max_bytes=MOST, within_s=within_s).sort(spool, Task(BOUNDARY.decode(), coding, MOST))
        for each in done.files:
            content = await spool.read(each.start, each.file.size)
            assert sha256(content).hexdigest() == each.file.digest
        return done


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_a_good_upload_is_sorted_and_its_contents_can_be_read(deadlines: Deadlines, coding: str) -> None:
    done = await sorted_of(deadlines, gzip.compress(BODY) if coding else BODY, coding)
    assert done.release == "1.0"
    (one,) = done.files
    assert (one.file.path, one.file.size, one.file.debug_id) == ("a.js.map", len(CONTENT), DEBUG_ID)


async def test_a_refusal_comes_out_of_the_process_as_it_is(deadlines: Deadlines) -> None:
    with pytest.raises(BadUpload, match="is no source map"):
        await sorted_of(deadlines, upload("1.0", [("a.js.map", b"{}")]))
    with pytest.raises(Unreadable):
        await sorted_of(deadlines, BODY, "gzip")
    with pytest.raises(UploadTooLarge):
        await sorted_of(deadlines, gzip.compress(b"0" * (MOST + 1)), "gzip")


async def test_a_process_that_takes_too_long_is_ended(deadlines: Deadlines) -> None:
    with pytest.raises(UploadTooLarge):
        await sorted_of(deadlines, BODY, within_s=0.0)


async def test_whoever_is_cancelled_leaves_no_process_behind(deadlines: Deadlines) -> None:
    with Spool(MOST) as spool:
        await spool.fill(sent(BODY), deadlines)
        sorter = Sorter(max_bytes=MOST, within_s=60)
        task = Task(BOUNDARY.decode(), "", MOST)
        first = asyncio.create_task(sorter.sort(spool, task))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await sorter.sort(spool, task)).release == "1.0"


async def test_a_body_is_spooled_whole_whatever_its_pieces(deadlines: Deadlines) -> None:
    pieces = [b"a" * PIECE_BYTES, b"b", b"", b"c" * (2 * PIECE_BYTES)]
    with Spool(MOST) as spool:
        await spool.fill(sent(*pieces), deadlines)
        assert spool.size == 3 * PIECE_BYTES + 1
        assert await spool.read(0, spool.size) == b"".join(pieces)


async def test_a_body_that_does_not_come_whole_is_refused(deadlines: Deadlines) -> None:
    with Spool(MOST) as spool, pytest.raises(UploadTooLarge, match="5000000"):
        await spool.fill(sent(*[b"a" * PIECE_BYTES] * 6), deadlines)
    with Spool(MOST) as spool, pytest.raises(ClientGone):
        await spool.fill(sent(b"a", ends=False), deadlines)


async def test_waiting_for_a_body_ends_in_time_and_at_shutdown() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    hasty, patient = Deadlines(0.0), Deadlines(60)
    with Spool(MOST) as spool, pytest.raises(TimedOut):
        await spool.fill(never, hasty)
    with Spool(MOST) as spool:
        waiting = asyncio.create_task(spool.fill(never, patient))
        await asyncio.sleep(0)
        patient.give_up()
        with pytest.raises(Unavailable):
            await waiting
        with pytest.raises(Unavailable):
            await spool.fill(sent(BODY), patient)
    await hasty.close()
    await patient.close()
