"""Brings what a spool holds into Kafka, each message once, however often it is killed (delivery.md, "The spool")."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from shared.failpoints import Point
from shared.queue.base import Position, QueueUnavailable
from shared.queue.kafka.transactions import Transactions
from shared.queue.spool.file import Spool
from shared.queue.spool.names import GROUP_PREFIX
from shared.queue.spool.rows import Chunk, DamagedPiece


class OpensTransactions(Protocol):
    """A queue with transactions: Kafka."""

    def transactions(self, name: str, reach: Callable[[Point], None]) -> Transactions: ...


class Drain:
    """Drains one spool.

    1. A chunk and its place in the spool are one transaction of Kafka's. Whoever goes on asks Kafka for that place, and
       first ends what the one before has left open.
    2. A chunk is deleted from the file after its transaction, so the file may hold more than is missing, never less.
    3. It takes at most `bytes_s` bytes a second, so that what comes meanwhile is not held up.
    4. Damage ends it, unless somebody is there to be told of each piece: those it goes past.
    """

    def __init__(self, spool: Spool, queue: OpensTransactions, reach: Callable[[Point], None], *, bytes_s: int) -> None:
        self._spool = spool
        self._queue = queue
        self._reach = reach
        self._bytes_s = bytes_s
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End after the present chunk."""
        self._stopping.set()

    async def run(
        self,
        on_chunk: Callable[[int], None] = lambda _: None,
        on_damage: Callable[[DamagedPiece], None] | None = None,
    ) -> None:
        """Until the spool is empty; `on_chunk` gets the number of messages. Raises `QueueError`, `CorruptSpool`."""
        state = await self._spool.state()
        if state.messages == 0:
            return
        transactions = self._queue.transactions(GROUP_PREFIX + state.id, self._reach)
        try:
            await self._spool.drop_below(await transactions.start(await self._spool.topics()))
            while not self._stopping.is_set() and (chunk := await self._next(on_damage)):
                await transactions.publish(chunk.topic, chunk.messages, chunk.position)
                await self._spool.drop_below({chunk.topic: chunk.position})
                self._reach("spool_after_delete")
                on_chunk(len(chunk.messages))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), chunk.bytes / self._bytes_s)
            with suppress(QueueUnavailable):  # what is drained is drained; the next one tries again
                await self._spool.shrink()
        except QueueUnavailable:
            await transactions.abort()
            raise
        finally:
            await transactions.stop()

    async def _next(self, on_damage: Callable[[DamagedPiece], None] | None) -> Chunk | None:
        while True:
            try:
                return await self._spool.chunk()
            except DamagedPiece as piece:
                if on_damage is None:
                    raise
                on_damage(piece)  # first: killed between the two, it is told twice rather than never
                await self._spool.drop_below({piece.topic: Position(piece.end)})
