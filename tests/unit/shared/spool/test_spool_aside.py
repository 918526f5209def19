"""Putting a spool aside: its file and its log stay together, whatever it is killed at, and it can be tried again."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.queue.base import QueueUnavailable
from shared.queue.spool import aside
from shared.queue.spool.file import Spool, look_at
from tests.contract.engines import sqlite_limits
from tests.topics import topic_spec


class Killed(BaseException):
    """At this call."""


class Calls:
    """Lets so many calls through."""

    def __init__(self, left: int) -> None:
        self.left = left

    def counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if self.left == 0:
                raise Killed
            self.left -= 1
            return real(*arguments)

        return call


def contents(path: Path) -> dict[str, str]:
    """What a name and that of its log hold."""
    return {end: Path(f"{path}{end}").read_text() for end in ("", "-wal") if Path(f"{path}{end}").exists()}


def test_killed_at_any_call_it_leaves_the_file_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, was_killed = {"": "a file", "-wal": "its log"}, True
    left = 0
    while was_killed:
        file = tmp_path / str(left) / aside.NAME
        file.parent.mkdir()
        for end, content in whole.items():
            Path(f"{file}{end}").write_text(content)
        calls = Calls(left)
        with monkeypatch.context() as patched:
            for name in ("link", "unlink"):
                patched.setattr(os, name, calls.counted(getattr(os, name)))
            try:
                aside.put_aside(file)
                was_killed = False
            except Killed:
                pass
        aside.finish(file)
        (found,) = aside.files_in(file.parent)
        assert contents(found) == whole, f"after {left} calls"
        left += 1
    assert left > 5


async def test_what_was_killed_before_the_old_name_was_taken_away_is_ended_when_it_is_opened(tmp_path: Path) -> None:
    spool = Spool(tmp_path / aside.NAME, sqlite_limits())
    await spool.open([topic_spec("logs", 1)])
    await spool.publish("logs", b"one")
    before = await spool.state()
    await spool.close()
    moved = tmp_path / f"{aside.NAME}.aside-1"
    os.link(spool.path, moved)
    await spool.reopen()
    await spool.publish("logs", b"two")
    assert (await spool.state()).messages == 1
    assert await look_at(moved, sqlite_limits()) == before
    await spool.close()


async def test_on_a_disk_that_can_not_be_written_it_stays_and_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    spool = Spool(tmp_path / aside.NAME, sqlite_limits())
    await spool.open([topic_spec("logs", 1)])
    await spool.publish("logs", b"one")
    before = await spool.state()
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", refused)
        with pytest.raises(QueueUnavailable, match=r"can't be put aside: .*Read-only"):
            await spool.put_aside("a test")
    assert not spool.is_open
    with pytest.raises(QueueUnavailable):
        await spool.publish("logs", b"two")
    await spool.reopen()
    await spool.publish("logs", b"two")
    assert (await spool.state()).id == before.id
    await spool.close()
