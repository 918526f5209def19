"""A child process that does what would hold the event loop, or could kill this process: one question after the other.

Questions and answers go over its standard streams, each behind its length.
"""

import asyncio
import os
import sys
from collections.abc import Sequence

LENGTH_BYTES = 8
PIECE_BYTES = 1_000_000


class ChildFailed(Exception):
    """The child died, or took too long and was ended. It has given no answer."""


class Child:
    """Runs `python -m <module>` from its first question on, and again after it has died.

    1. One question at a time: the caller sees to that.
    2. A question that takes more than `within_s` ends the child, as does a caller that goes away.
    3. The child ends with this process, whose end closes its standard input.
    """

    def __init__(self, module: str, arguments: Sequence[str] = (), *, within_s: float) -> None:
        self._arguments = ["-m", module, *arguments]
        self._within_s = within_s
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, *question: bytes) -> bytes:
        """The child's answer, without its length. Raises `ChildFailed`."""
        process = self._process
        if process is None or process.returncode is not None:  # it may have been killed since
            process = self._process = await self._started()
        finished = False
        try:
            async with asyncio.timeout(self._within_s):
                answer = await _asked(process, question)
            finished = True
        except (
            TimeoutError,
            OSError,
            RuntimeError,
            asyncio.IncompleteReadError,
        ) as error:  # uvloop's for a closed pipe
            raise ChildFailed(repr(error)) from error
        finally:
            if not finished:  # whatever the child says now would be the answer to another question
                self._process = None
                await asyncio.shield(_end(process))
        return answer

    async def close(self) -> None:
        if self._process is not None:
            await _end(self._process)

    async def _started(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal reaches only us
            env=os.environ | {"MALLOC_ARENA_MAX": "1"},  # one thread needs no more
            limit=PIECE_BYTES,
        )


def framed(message: bytes) -> bytes:
    """A message behind its length."""
    return len(message).to_bytes(LENGTH_BYTES) + message


async def _asked(process: asyncio.subprocess.Process, question: Sequence[bytes]) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    for part in question:
        process.stdin.write(part)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES))
    return await process.stdout.readexactly(size)


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    if process.returncode is None:
        process.kill()
    process.stdin.close()
    while await process.stdout.read(PIECE_BYTES):  # to its end: else the pipe stays open
        pass
    await process.wait()
