"""Spools that were put aside: beside the one that a gateway has, under other names (delivery.md, "The spool")."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.folders import sync_folder
from shared.queue.base import QueueUnavailable

NAME = "spool.db"
"""In the folder that the settings name."""
_ASIDE = re.compile(r"\.aside-[0-9]+\Z")


def files_in(path: Path) -> list[Path]:
    """The spool of a folder, and those that were put aside beside it; a file is itself. Raises `QueueUnavailable`."""
    with _errors(f"{path} can't be read"):
        if path.is_file():
            return [path]
        return sorted(file for file in path.glob(f"{NAME}*") if file.suffix == ".db" or _ASIDE.search(file.name))


def put_aside(file: Path) -> Path:
    """Give a spool that nobody has open another name. Raises `QueueUnavailable`: it may have both.

    Killed on the way it leaves the file under its old name, under both, or under the new one, always with its log.
    """
    aside = file.with_name(f"{file.name}.aside-{time.time_ns() // 1_000_000}")
    with _errors(f"the spool {file} can't be put aside"):
        for end in ("-wal", ""):
            with suppress(FileNotFoundError):
                os.link(f"{file}{end}", f"{aside}{end}")
        sync_folder(file.parent)
        _remove(file)
    return aside


def finish(file: Path) -> None:
    """End what was killed while it put this spool aside. Raises `QueueUnavailable`."""
    with _errors(f"the spool {file} can't be put aside"):
        others = [each for each in files_in(file.parent) if _ASIDE.search(each.name)]
        if file.exists() and not _ASIDE.search(file.name) and any(file.samefile(each) for each in others):
            _remove(file)


def _remove(file: Path) -> None:
    for end in ("", "-wal", "-shm"):  # the file first: without its log it would be an older one
        with suppress(FileNotFoundError):
            os.unlink(f"{file}{end}")
    sync_folder(file.parent)


@contextmanager
def _errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise QueueUnavailable(f"{what}: {error}") from error
