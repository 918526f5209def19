"""Has uploads sorted by a process of its own: what strangers wrote costs the event loop nothing, and can be ended."""

import asyncio
import os
import sys
from contextlib import suppress

import msgspec
import structlog

from gateway.rejections import Unreadable
from gateway.sourcemaps.refusals import BadUpload, UploadTooLarge
from gateway.sourcemaps.spool import Spool
from gateway.sourcemaps.task import Sorted, Task

_log = structlog.get_logger(__name__)


class Sorter:
    """Starts a process for each upload, one at a time. Whoever is cancelled, or takes longer than `within_s`, has its
    process ended."""

    def __init__(self, *, max_bytes: int, within_s: float) -> None:
        self._max_bytes = max_bytes
        self._within_s = within_s
        self._one = asyncio.Lock()

    async def sort(self, spool: Spool, task: Task) -> Sorted:
        """The release and the files of an upload; `spool` holds the unpacked body then.

        Raises `BadUpload`, `Unreadable`, `UploadTooLarge`.
        """
        async with self._one:
            said = await self._said(spool, task)
        try:
            done = msgspec.json.decode(said, type=Sorted)
        except msgspec.MsgspecError as error:  # it was ended, or ran out of memory where it could not say so
            _log.warning("an upload was too much to sort", bytes=spool.size)
            raise UploadTooLarge(self._max_bytes) from error
        if done.refused == "bad":
            raise BadUpload(done.sentence)
        if done.refused == "packing":
            raise Unreadable("not packed as Content-Encoding says")
        if done.refused:
            raise UploadTooLarge(self._max_bytes)
        return done

    async def _said(self, spool: Spool, task: Task) -> bytes:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.sourcemaps.sorting_child",
            msgspec.json.encode(task).decode(),
            stdin=spool.fileno(),
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal reaches only us
            env=os.environ | {"MALLOC_ARENA_MAX": "1"},  # one thread needs no more
        )
        assert child.stdout is not None
        try:
            async with asyncio.timeout(self._within_s):
                said = await child.stdout.read()
                await child.wait()
                return said
        except TimeoutError:
            return b""
        finally:
            with suppress(ProcessLookupError):
                child.kill()
            await asyncio.shield(child.wait())
