"""The spools of all gateways, as each tells Postgres of its own (delivery.md, "The spool")."""

import socket
from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.clients.postgres import AsyncConnection, Postgres

KEPT_DAYS = 30
"""A spool that was empty when it was last seen is forgotten after so long."""


class KnownSpool(msgspec.Struct, frozen=True):
    """What a gateway last told of its spool. `oldest`: nothing in it was received before; None for nothing."""

    id: str
    host: str
    file: str
    messages: int
    bytes: int
    oldest: datetime | None
    seen: datetime


class Oldest(NamedTuple):
    """`spools`: how many are known. `since`: nothing that waits in any was received before, microseconds since the
    epoch; None for nothing."""

    spools: int
    since: int | None


class Spools:
    """Every call may raise `PostgresUnavailable`."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def note(self, id: str, file: str, messages: int, bytes: int, oldest_us: int | None) -> None:
        """`oldest_us`: microseconds since the epoch."""
        oldest_s = None if oldest_us is None else oldest_us / 1_000_000
        values = [id, socket.gethostname(), file, messages, bytes, oldest_s]

        async def note(db: AsyncConnection) -> None:
            await db.execute(_NOTE, values)
            await db.execute(_FORGET, [KEPT_DAYS])

        await self._postgres.change(note)

    async def emptied(self, id: str) -> None:
        """It was drained by somebody else."""
        await self._postgres.change(lambda db: db.execute(_EMPTIED, [id]))

    async def forget(self, id: str) -> bool:
        """Whether there was one."""
        return bool((await self._postgres.change(lambda db: db.execute(_DELETE, [id]))).rowcount)

    async def all(self) -> list[KnownSpool]:
        """Those with messages first, the oldest of them before the others."""
        rows = await self._postgres.query(_ALL)
        return [KnownSpool(*row) for row in rows]

    async def oldest(self) -> Oldest:
        ((spools, since),) = await self._postgres.query(_OLDEST)
        return Oldest(spools, since)


_NOTE = (
    "INSERT INTO spools (id, host, file, messages, bytes, oldest, seen) VALUES (%s, %s, %s, %s, %s, to_timestamp(%s),"
    " now()) ON CONFLICT (id) DO UPDATE SET host = excluded.host, file = excluded.file,"
    " messages = excluded.messages, bytes = excluded.bytes, oldest = excluded.oldest, seen = excluded.seen"
)
_EMPTIED = "UPDATE spools SET messages = 0, bytes = 0, oldest = NULL, seen = now() WHERE id = %s"
_DELETE = "DELETE FROM spools WHERE id = %s"
_FORGET = "DELETE FROM spools WHERE messages = 0 AND seen < now() - make_interval(days => %s)"
_ALL = "SELECT id, host, file, messages, bytes, oldest, seen FROM spools ORDER BY oldest NULLS LAST, host, file"
_OLDEST = (
    "SELECT count(*), floor(extract(epoch FROM min(oldest) FILTER (WHERE messages > 0)) * 1000000)::bigint FROM spools"
)
