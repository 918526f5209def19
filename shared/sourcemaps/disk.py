"""Contents as files: `<folder>/<first two digits>/<digest>`."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import mkstemp
from time import time
from typing import TypeVar

from shared.folders import sync_folder
from shared.sourcemaps.blobs import BlobsUnavailable, checked_digest, intact

HALF_WRITTEN = "half-written"
"""The folder of files that are being written. What a killed process left there is removed after an hour."""

LEFT_BEHIND_S = 3600.0

T = TypeVar("T")


class DiskBlobs:
    """Files in a folder, which is made when it is needed.

    1. A file has its name only when it is whole and fsynced, and `put` returns when its name is durable too.
    2. Nothing waits for the disk on the event loop.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_tidy = False

    async def put(self, digest: str, data: bytes) -> None:
        await _on_a_thread(lambda: self._put(self._file(digest), data))

    async def get(self, digest: str) -> bytes | None:
        return await _on_a_thread(lambda: self._get(digest))

    async def delete(self, digest: str) -> None:
        await _on_a_thread(lambda: self._file(digest).unlink(missing_ok=True))

    def _file(self, digest: str) -> Path:
        return self._folder / checked_digest(digest)[:2] / digest

    def _put(self, file: Path, data: bytes) -> None:
        half_written = self._folder / HALF_WRITTEN
        for folder in (half_written, file.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._is_tidy:
            _tidy(half_written)
            self._is_tidy = True
        descriptor, name = mkstemp(dir=half_written)
        try:
            with open(descriptor, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(descriptor)
            os.replace(name, file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        for folder in (file.parent, self._folder, self._folder.parent):  # another process may just have made them
            sync_folder(folder)

    def _get(self, digest: str) -> bytes | None:
        try:
            return intact(digest, self._file(digest).read_bytes())
        except FileNotFoundError:
            return None


async def _on_a_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise BlobsUnavailable(f"the folder of source maps can't be used: {error}") from error


def _tidy(half_written: Path) -> None:
    for file in half_written.iterdir():
        if file.stat().st_mtime < time() - LEFT_BEHIND_S:
            file.unlink(missing_ok=True)
