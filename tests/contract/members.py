"""Group members and other processes, as the contract's tests need them."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from shared.queue.base import Consumer, Lane, Message, Queue

PATIENCE_S = 90.0  # no test waits for so long unless the rule is broken


class Member:
    """A consumer and its own listener. `events` are what it was told, in order: ("assigned" or "revoked", lanes)."""

    def __init__(self, queue: Queue, group: str, topics: Iterable[str]) -> None:
        self.events: list[tuple[str, frozenset[Lane]]] = []
        self.consumer: Consumer = queue.consumer(group, topics, self)
        self._queue = queue

    def assigned(self, lanes: frozenset[Lane]) -> None:
        self.events.append(("assigned", lanes))

    def revoked(self, lanes: frozenset[Lane]) -> None:
        self.events.append(("revoked", lanes))

    @property
    def lanes(self) -> list[Lane]:
        return sorted(self.consumer.epochs())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Keep the membership alive until the condition holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"still waiting; lanes {self.lanes}, told {self.events}"
            await self.consumer.receive([], timeout_s=0.05)

    async def until_owning(self, count: int) -> None:
        await self.until(lambda: len(self.lanes) == count)

    async def seek_to_begin(self) -> None:
        for lane, offset in (await self._queue.begin_offsets(self.lanes)).items():
            self.consumer.seek(lane, offset)

    async def collect(self, count: int, lanes: Iterable[Lane] | None = None) -> list[tuple[Lane, Message]]:
        """Receive until there are so many messages."""
        deadline = time.monotonic() + PATIENCE_S
        found: list[tuple[Lane, Message]] = []
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages"
            received = await self.consumer.receive(self.lanes if lanes is None else lanes, timeout_s=0.2)
            found += [(lane, message) for lane, messages in received.items() for message in messages]
        return found


@asynccontextmanager
async def joined(queue: Queue, group: str, topics: Iterable[str]) -> AsyncIterator[Member]:
    member = Member(queue, group, topics)
    await member.consumer.start()
    try:
        yield member
    finally:
        await member.consumer.stop()


class OtherProcess:
    """`python -m tests.contract.other_process`, read line by line and killed at the end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def line(self) -> str:
        assert self._process.stdout
        return (await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S)).decode().strip()

    async def lines(self) -> list[str]:
        """All that is left, until it ends."""
        assert self._process.stdout
        return (await asyncio.wait_for(self._process.stdout.read(), PATIENCE_S)).decode().splitlines()

    async def say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def other_process(*arguments: str) -> AsyncIterator[OtherProcess]:
    """Run a command of `tests/contract/other_process.py`."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.contract.other_process", *arguments)
    process = OtherProcess(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
    try:
        yield process
    finally:
        await process.kill()
