"""The lock over processes is one, and can be taken when nothing more can be opened."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.queue.sqlite.file_lock import FileLock


@contextmanager
def no_free_descriptors() -> Iterator[None]:
    """Nothing more can be opened in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened[0] + 1, hard))
    try:
        while True:
            try:
                opened.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in opened:
            os.close(file)


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "q"), FileLock(tmp_path / "q")
    with first.held(1), pytest.raises(TimeoutError), second.held(0.02):
        pass
    with second.held(1):
        pass


def test_it_is_taken_again_without_a_free_descriptor(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "q")
    with lock.held(1):
        pass
    with no_free_descriptors():
        for _ in range(3):
            with lock.held(1):
                pass


def test_a_lock_file_that_was_replaced_is_left(tmp_path: Path) -> None:
    old, new = FileLock(tmp_path / "q"), FileLock(tmp_path / "q")
    with old.held(1):
        pass
    (tmp_path / "q.lock").unlink()
    with new.held(1), pytest.raises(TimeoutError), old.held(0.02):
        pass
    with old.held(1):
        pass


def test_others_can_not_read_it(tmp_path: Path) -> None:
    with FileLock(tmp_path / "q").held(1):
        assert (tmp_path / "q.lock").stat().st_mode & 0o777 == 0o600
