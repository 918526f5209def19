"""Consuming the queue file: one member of a group."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import structlog

from shared.queue.base import AssignmentListener, Epoch, Fenced, Lane, Message, Position, QueueUnavailable
from shared.queue.sqlite import catalog, groups, log
from shared.queue.sqlite.changes import Changes, WalState
from shared.queue.sqlite.cursors import Cursors
from shared.queue.sqlite.file import QueueFile
from shared.queue.sqlite.groups import Member, Membership
from shared.queue.sqlite.limits import Limits
from shared.queue.sqlite.worker import Worker

_POLL_S = 0.02  # how often a receive without messages looks whether the file has changed
_WATCH_S = 0.2  # how often a member looks whether its group has changed
_TRUST_S = 1.0  # how long a look at the file is trusted
_HEARTBEATS = 3  # renewals of the lease in a session: each is a synced write

_logger = structlog.get_logger(__name__)


class SqliteConsumer:
    """A `Consumer` that holds its lanes by a lease.

    1. A task of the event loop renews the lease: a frozen process, a blocked loop, or a consumer without calls of
       `receive` loses it.
    2. A lane is given up before another member can take it, and its listener learns of it before that; only a lost
       lease is noticed afterwards.
    3. Reading waits for no writer: it has a thread and a connection of its own.
    4. When another file takes the place of the queue file, an older copy too, all lanes are revoked and taken again
       under epochs of the new file; so is a lane whose end lies before its cursor.
    """

    def __init__(
        self, path: Path, limits: Limits, group: str, topics: Iterable[str], listener: AssignmentListener
    ) -> None:
        self._name = f"{os.getpid()}-{uuid4().hex[:12]}"
        self._member = Member(self._name, group, frozenset(topics), int(limits.session_timeout_s * 1000))
        self._listener = listener
        self._changes = Changes(path)
        self._reader = Worker(path, f"{group}-receive", lock_timeout_s=limits.lock_timeout_s)
        self._writer = Worker(path, f"{group}-commit", lock_timeout_s=limits.lock_timeout_s)
        self._max_poll_interval_s = limits.max_poll_interval_s
        self._received_at = 0.0
        self._receive_bytes = limits.receive_bytes
        self._heartbeat_s = limits.session_timeout_s / _HEARTBEATS
        self._epochs: dict[Lane, Epoch] = {}
        self._cursors = Cursors()
        self._version = -1
        self._file_id = ""
        self._astray: frozenset[Lane] = frozenset()
        self._belonging: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return at once; the group is joined in the background, as soon as the queue is there."""
        self._received_at = time.monotonic()
        self._belonging = asyncio.create_task(self._belong())

    async def stop(self) -> None:
        if self._belonging is None:
            return
        belonging, self._belonging = self._belonging, None
        belonging.cancel()
        await asyncio.wait([belonging])
        self._settle({})
        with suppress(QueueUnavailable):  # then the lease runs out
            await self._writer.write(partial(groups.leave, member=self._member))
        await self._writer.close()
        await self._reader.close()

    def epochs(self) -> Mapping[Lane, Epoch]:
        return self._epochs

    async def committed(self, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        return await self._reader.read(partial(groups.committed, group=self._member.group, lanes=list(lanes)))

    def seek(self, lane: Lane, offset: int) -> None:
        """As the contract says. A lane that is no longer owned is left alone: its listener learns of that."""
        if lane in self._epochs:
            self._cursors.seek(lane, offset)

    def pause(self, lanes: Iterable[Lane]) -> None:
        self._cursors.pause(lanes)

    def resume(self, lanes: Iterable[Lane]) -> None:
        self._cursors.resume(lanes)

    async def receive(
        self, lanes: Iterable[Lane], *, timeout_s: float, max_messages: int = 1000
    ) -> dict[Lane, list[Message]]:
        deadline = time.monotonic() + timeout_s
        wanted = list(lanes)
        while True:
            if self._belonging and self._belonging.done():
                self._belonging.result()  # raises what ended it: a defect, never the queue's being away
            self._received_at = time.monotonic()
            before = self._changes.look(), self._cursors.moves
            if positions := self._cursors.to_read(wanted):
                found, astray = await self._reader.read(
                    partial(_read_lanes, positions=positions, max_messages=max_messages, max_bytes=self._receive_bytes)
                )
                if self._reader.file_id == self._file_id:  # else the cursors are of another file
                    self._cursors.fill(positions, found)
                    self._astray |= astray & self._epochs.keys()
            taken = self._cursors.take(wanted, max_messages)
            left_s = deadline - time.monotonic()
            if taken or left_s <= 0:
                return taken
            await self._change(before, min(left_s, _TRUST_S), _POLL_S)

    async def commit(self, lane: Lane, position: Position, epoch: Epoch) -> None:
        if self._epochs.get(lane) != epoch:
            raise Fenced(f"{lane} is not owned under {epoch} any more")
        group = self._member.group
        await self._writer.write(partial(groups.commit, group=group, lane=lane, position=position, epoch=epoch))

    async def _belong(self) -> None:
        """Stay a member until cancelled, whatever happens to the queue."""
        away = False
        while True:
            if time.monotonic() - self._received_at > self._max_poll_interval_s:
                await asyncio.sleep(_WATCH_S)
                continue
            try:
                await self._sync()
                away = False
                await self._wait_for_news()
            except QueueUnavailable as error:
                if not away:
                    _logger.warning("group membership can't be renewed", group=self._member.group, error=str(error))
                away = True
                await asyncio.sleep(_WATCH_S)

    async def _sync(self) -> None:
        astray, self._astray = self._astray, frozenset()
        former_file = self._file_id
        self._file_id, self._member, membership = await self._writer.run(partial(self._renew, astray=astray))
        self._tell_of_changes(former_file, astray)
        self._version = membership.version
        self._settle({lane: epoch for lane, epoch in membership.owned.items() if lane not in membership.leaving})
        if membership.leaving:
            await self._writer.write(partial(groups.release, member=self._member, lanes=membership.leaving))

    def _renew(self, file: QueueFile, astray: frozenset[Lane]) -> tuple[str, Member, Membership]:
        """In one transaction. The member's id names the file: its epochs in another file are others."""
        with file.write() as db:
            member = replace(self._member, id=f"{self._name}@{file.id}")
            if astray:
                groups.release(db, member, astray)
            return file.id, member, groups.sync(db, member, monotonic_ms())

    def _tell_of_changes(self, former_file: str, astray: frozenset[Lane]) -> None:
        if former_file not in ("", self._file_id):
            _logger.error("the queue file was replaced: reading on from what it holds", group=self._member.group)
        elif astray:
            lanes = [f"{lane.topic}:{lane.partition}" for lane in sorted(astray)]
            _logger.error("the queue ends before what was read of it: reading on from its position", lanes=lanes)

    async def _wait_for_news(self) -> None:
        """Return when the lease should be renewed or the group has changed."""
        renew_at = time.monotonic() + self._heartbeat_s
        while (left_s := renew_at - time.monotonic()) > 0:
            before = self._changes.look(), self._cursors.moves
            news = await self._reader.read(lambda db: groups.news(db, self._member, self._version, monotonic_ms()))
            if news or self._astray or self._reader.file_id != self._file_id:
                return
            await self._change(before, min(left_s, _TRUST_S), _WATCH_S)

    async def _change(self, before: tuple[WalState | None, int], timeout_s: float, poll_s: float) -> None:
        """Return when the file may have changed, or a cursor has, or after the time-out; not before `poll_s`."""
        look, moves = before
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(poll_s, left_s))
            if self._changes.since(look) or self._cursors.moves != moves:
                return

    def _settle(self, epochs: dict[Lane, Epoch]) -> None:
        """Own exactly these lanes, and notify the listener of the changes."""
        before, self._epochs = self._epochs, epochs
        revoked = frozenset(lane for lane, epoch in before.items() if epochs.get(lane) != epoch)
        assigned = frozenset(lane for lane, epoch in epochs.items() if before.get(lane) != epoch)
        self._cursors.drop(revoked)
        if revoked:
            self._listener.revoked(revoked)
        if assigned:
            self._listener.assigned(assigned)


def _read_lanes(
    db: sqlite3.Connection, positions: Mapping[Lane, int], max_messages: int, max_bytes: int
) -> tuple[dict[Lane, list[Message]], frozenset[Lane]]:
    """Messages from these offsets on, and the lanes that end before theirs."""
    found: dict[Lane, list[Message]] = {}
    states = catalog.all_lanes(db)
    for lane, offset in positions.items():
        state = states.get(lane)
        if state and offset < state.end and max_messages > 0:
            limits = {"max_messages": max_messages, "max_bytes": max_bytes // len(positions)}
            messages = log.read(db, state, offset, state.end, **limits)
            if messages:
                found[lane] = messages
                max_messages -= len(messages)
    return found, frozenset(lane for lane, offset in positions.items() if lane in states and offset > states[lane].end)


def monotonic_ms() -> int:
    """Of one clock for all processes of the machine."""
    return int(time.monotonic() * 1000)
