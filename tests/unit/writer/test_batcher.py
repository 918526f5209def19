"""How a lane's messages become batches, up to the letters that are published first."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import msgspec
import pytest
import structlog

from shared import registry
from shared.envelope import VERSION, Stamp, seal
from shared.failpoints import Failpoints
from shared.letters import Letter
from shared.metrics import Metrics
from shared.queue.base import Lane, Message
from shared.signals.base import US_PER_DAY
from writer.batch import Batch, Holes
from writer.batcher import Batcher
from writer.buffer import Buffer, Limits, WentBack
from writer.converter import Converter
from writer.dead_letters import LetterLimit
from writer.lane_deps import LaneDeps
from writer.lane_letters import LaneLetters
from writer.waiting import Waiting

LANE = Lane("logs", 0)
NOW_US = 20_000 * US_PER_DAY


class Published:
    """Stands for `DeadLetters`."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def publish(self, topic: str, letters: Iterable[Letter], now_ms: int) -> None:
        self.letters += letters


class Beginning:
    """Stands for the queue: retention took everything below `offset`."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    async def begin_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return dict.fromkeys(lanes, self._offset)

    async def lanes(self, topics: Iterable[str]) -> list[Lane]:
        return []


class OneLane:
    """A batcher at offset 0 with drafts of two rows, and what it works with."""

    def __init__(self, begin: int = 0) -> None:
        self.published = Published()
        deps = LaneDeps(
            queue=cast(Any, Beginning(begin)),
            sink=cast(Any, None),
            rules=cast(Any, None),
            letters=cast(Any, self.published),
            builder=ThreadPoolExecutor(1),
            metrics=Metrics(),
            failpoints=Failpoints(),
            limits=Limits(rows=2, bytes=10**6, age_s=60.0),
            letter_limit=LetterLimit(),
            counts=cast(Any, None),
            handover=cast(Any, None),
            session_timeout_s=10.0,
            backoff_max_s=1.0,
            clock=lambda: NOW_US * 1000,
        )
        known = registry.load()
        log = structlog.get_logger()
        self.waiting = Waiting(log, deps.metrics, max_s=1.0)
        letters = LaneLetters(LANE, "logs.dlq", self.waiting, deps, log)
        logs = known.signals["logs"]
        converter = Converter(logs.table, known.formats_of(logs))
        self.batcher = Batcher(LANE, Buffer(deps.limits, 0), converter, letters, self.waiting, deps)

    def stop(self) -> None:
        self.waiting.stopping.set()
        self.batcher.wake()


def message(offset: int) -> Message:
    stamp = Stamp(
        v=VERSION, format="deeptracer.logs", project_id="p", received_at=NOW_US, retention_days=30, n=1, service="s"
    )
    return Message(offset, 1_000 + offset, None, seal(stamp, msgspec.json.encode([{"level": "info", "message": "m"}])))


async def test_batches_come_in_order_and_the_rest_when_the_writer_stops() -> None:
    lane = OneLane()
    lane.batcher.feed([message(n) for n in range(5)])
    for offsets in ((0, 1), (2, 3)):
        batch = await lane.batcher.next()
        assert batch
        assert (batch.first, batch.last) == offsets
    last = asyncio.create_task(lane.batcher.next())
    await asyncio.sleep(0)
    lane.stop()
    batch = await last
    assert batch
    assert (batch.first, batch.last, batch.rows) == (4, 4, 1)
    assert await lane.batcher.next() is None


async def test_a_batch_is_held_until_it_is_finished() -> None:
    lane = OneLane()
    messages = [message(n) for n in range(3)]
    lane.batcher.feed(messages)
    size = len(messages[0].value)
    await lane.batcher.next()
    assert (lane.batcher.held_bytes, lane.batcher.first_held_ms) == (3 * size, 1_000)
    lane.batcher.finished()
    assert (lane.batcher.held_bytes, lane.batcher.first_held_ms) == (size, 1_002)


async def test_offsets_that_went_back_end_the_batches() -> None:
    lane = OneLane()
    lane.batcher.feed([message(0), message(1), message(0)])
    lane.batcher.feed([message(2)])
    with pytest.raises(WentBack):
        await lane.batcher.next()


async def test_holes_are_handed_out_once_nothing_before_them_is_under_way() -> None:
    lane = OneLane(begin=9)  # by then retention has taken the holes
    lane.batcher.feed([message(0), message(1)])
    batch = await lane.batcher.next()
    assert batch
    assert batch.end == 2
    coming = asyncio.create_task(lane.batcher.next())
    lane.batcher.holes(1, 5)
    await asyncio.sleep(0)
    lane.batcher.holes(2, 5)
    await asyncio.sleep(0)
    assert not coming.done(), "the batch before them is unfinished"
    lane.batcher.finished()
    assert await coming == Holes(5)
    lane.batcher.holes(5, 9)
    assert await lane.batcher.next() == Holes(9)
    lane.batcher.holes(9, 12)
    lane.batcher.feed([message(12), message(13)])
    batch = await lane.batcher.next()
    assert isinstance(batch, Batch)
    assert (batch.first, lane.published.letters) == (12, []), "what came before was no message"


async def test_letters_and_gaps_are_published_before_the_batch_is_handed_out() -> None:
    lane = OneLane(begin=3)
    lane.batcher.feed([Message(5, 1_005, None, b"?"), message(6)])
    batch = await lane.batcher.next()
    assert batch
    assert batch.rows == 1
    assert [(letter.reason, letter.offset, letter.end) for letter in lane.published.letters] == [
        ("gap", 0, 3),
        ("undecodable", 5, 0),
    ]
