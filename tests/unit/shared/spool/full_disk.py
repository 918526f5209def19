"""Fills the disk of a spool; what the test of it runs where a small disk is mounted. `python -m ... FOLDER`.

Prints how much was kept of what had been acknowledged, all of it: `<messages> messages are as they were`, twice.
"""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from shared.queue.base import QueueFull, QueueUnavailable
from shared.queue.spool import file as module
from shared.queue.spool.aside import NAME
from shared.queue.spool.file import Spool
from tests.contract.engines import sqlite_limits
from tests.topics import topic_spec


class SmallDisk:
    """A spool on it, and what it has acknowledged."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder / NAME, sqlite_limits())
        self.acknowledged: list[bytes] = []
        self._ballast = folder / "ballast"

    async def publish(self) -> None:
        value = os.urandom(50_000)
        await self.spool.publish("logs", value)
        self.acknowledged.append(value)

    async def publish_until(self, refused: type[QueueUnavailable]) -> None:
        for _ in range(1000):
            try:
                await self.publish()
            except refused:
                return
        raise AssertionError("nothing was refused")

    def fill(self) -> None:
        """With something else."""
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def make_room(self) -> None:
        self._ballast.unlink()

    async def publish_when_it_can(self) -> None:
        while True:  # a producer that was refused looks again a little later
            try:
                return await self.publish()
            except QueueUnavailable:
                await asyncio.sleep(0.02)

    async def drain(self) -> None:
        """See that all that was acknowledged is there, once."""
        found: list[bytes] = []
        while chunk := await self.spool.chunk():
            found += [message.value for message in chunk.messages]
            await self.spool.drop_below({chunk.topic: chunk.position})
        await self.spool.shrink()
        assert found == self.acknowledged
        sys.stdout.write(f"{len(found)} messages are as they were\n")
        self.acknowledged.clear()


async def main(folder: Path) -> None:
    disk = SmallDisk(folder)
    module.LOOK_S = 0.0
    await disk.spool.open([topic_spec("logs", 1)])
    await disk.publish_until(QueueFull)
    await disk.drain()
    await disk.publish_when_it_can()
    module.FREE_SHARE = 0.0  # as if something else had filled the disk since it was looked at
    disk.fill()
    await disk.publish_until(QueueUnavailable)
    assert (await disk.spool.state()).messages == len(disk.acknowledged)
    disk.make_room()
    await disk.publish_when_it_can()
    await disk.drain()
    await disk.spool.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
