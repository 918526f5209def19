"""One transaction's messages: those of all topics, published while the transaction before was being synced."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from shared.queue.base import Lane, Published, QueueFull, QueueUnavailable
from shared.queue.sqlite import log, retention
from shared.queue.sqlite.file import QueueFile
from shared.queue.sqlite.packing import Keyed, Segment, compress, pack


@dataclass
class Batch:
    """Messages for one lane, each with its publisher's future."""

    lane: Lane
    compacted: bool
    messages: list[Keyed] = field(default_factory=list)
    waiting: list[asyncio.Future[Published]] = field(default_factory=list)

    def forget_given_up(self) -> bool:
        """Drop messages whose publishers have given up, and will send them again. True if there were any."""
        if not any(future.done() for future in self.waiting):
            return False
        kept = [(m, f) for m, f in zip(self.messages, self.waiting, strict=True) if not f.done()]
        self.messages = [message for message, _ in kept]
        self.waiting = [future for _, future in kept]
        return True

    def acknowledge(self, first: int) -> None:
        """Tell the publishers that their messages lie at `first` and on."""
        for offset, future in enumerate(self.waiting, first):
            if not future.done():
                future.set_result(Published(self.lane, offset))

    def refuse(self, error: Exception) -> None:
        for future in self.waiting:
            if not future.done():
                future.set_exception(error)


class Commit:
    """The batches of one transaction while they gather. Lives on the event loop."""

    def __init__(self) -> None:
        self.batches: dict[Lane, Batch] = {}
        self.bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, lane: Lane, message: Keyed, *, size: int, compacted: bool) -> asyncio.Future[Published]:
        batch = self.batches.get(lane)
        if batch is None:
            batch = self.batches[lane] = Batch(lane, compacted)
        future: asyncio.Future[Published] = asyncio.get_running_loop().create_future()
        batch.messages.append(message)
        batch.waiting.append(future)
        self.bytes += size
        return future

    def give_up_after(self, seconds: float) -> None:
        """One timer bounds the wait of everybody in it."""
        error = QueueUnavailable(f"the queue has not confirmed the message within {seconds:g} s")
        self._timer = asyncio.get_running_loop().call_later(seconds, self.refuse, error)

    def refuse(self, error: Exception) -> None:
        for batch in self.batches.values():
            batch.refuse(error)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()


def store(
    file: QueueFile, batches: Sequence[Batch], *, size_limit: int, clock_ms: Callable[[], int]
) -> list[int | None]:
    """Store all batches in one transaction, on a worker's thread.

    Returns, for each batch, the offset of its first message; None if there is no room for it.

    Raises:
        QueueUnavailable: nothing was stored, or (when the final sync failed) perhaps everything.
    """
    # Packed before the transaction begins: other processes wait for as little as possible.
    ordinary, keyed = _packed(batches)
    with file.write() as db:
        gave_up = [batch.forget_given_up() for batch in batches]
        if any(gave_up):  # while it waited for the lock
            ordinary, keyed = _packed(batches)
        needed = sum(segment.size for segments in ordinary.values() for segment in segments)
        # Dead letters are stored however full the queue is: without them its consumers could not go on and empty it.
        room = not ordinary or retention.make_room(db, needed, size_limit)
        now_ms = clock_ms()
        offsets: dict[Lane, int] = {}
        if room:
            offsets |= {lane: log.append(db, lane, segments, now_ms) for lane, segments in ordinary.items()}
        offsets |= {lane: log.upsert(db, lane, messages, now_ms) for lane, messages in keyed.items()}
    return [offsets.get(batch.lane) for batch in batches]


class FileFull(QueueFull):
    """The file holds as much as it may."""


def full(limit: int) -> FileFull:
    return FileFull(
        f"the queue file holds {limit:,} bytes that not every group has consumed: start or repair the writers, or raise"
        " SLUICE_TOPICS_MAX_BYTES"
    )


def _packed(batches: Sequence[Batch]) -> tuple[dict[Lane, list[Segment]], dict[Lane, list[tuple[bytes, bytes]]]]:
    """Those of ordinary lanes, and those of compacted ones."""
    ordinary = {batch.lane: pack(batch.messages) for batch in batches if not batch.compacted}
    return ordinary, {batch.lane: _compressed(batch.messages) for batch in batches if batch.compacted}


def _compressed(messages: Iterable[Keyed]) -> list[tuple[bytes, bytes]]:
    return [(key or b"", compress(value)) for key, value in messages]
