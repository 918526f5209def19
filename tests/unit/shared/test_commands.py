"""How a command ends when it can't do what it is for: one sentence, one exit code."""

import subprocess
import sys

import pytest
import typer

from shared.clients.clickhouse import ServerError, Unreachable
from shared.clients.postgres import LockHeld, PostgresUnavailable, QueryRefused
from shared.commands.common import sentences
from shared.queue.base import GroupInUse, QueueUnavailable
from shared.settings import BadSetting


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PostgresUnavailable("no route"), "Postgres can't be reached: no route"),
        (QueryRefused("no table"), "Postgres refused (has sluice migrate run?): no table"),
        (ServerError(60, "no table"), "ClickHouse refused (has sluice migrate run?): ClickHouse error 60: no table"),
        (Unreachable("no route"), "ClickHouse can't be reached: no route"),
        (QueueUnavailable("no file"), "the queue can't be used: no file"),
        (BadSetting("SLUICE_X is wrong"), "SLUICE_X is wrong"),
        (LockHeld("another replay runs"), "another replay runs"),
        (GroupInUse("it has members"), "it has members"),
    ],
)
def test_an_error_ends_a_command_with_its_sentence(
    error: Exception, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, sentences(GroupInUse, code=3):
        raise error
    assert ended.value.exit_code == 3
    assert capsys.readouterr().err == f"not done: {sentence}\n"


def test_what_a_server_repeats_can_do_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), sentences():
        raise ServerError(6, "can't parse '\x1b]0;owned\x07'\nat row 1")
    said = capsys.readouterr().err
    assert said.endswith("ClickHouse error 6: can't parse '\\x1b]0;owned\\x07'\nat row 1\n")


def test_a_defect_is_not_hidden_behind_a_sentence() -> None:
    with pytest.raises(KeyError), sentences():
        raise KeyError("a bug")


def test_a_command_loads_no_driver_that_it_may_do_without() -> None:
    code = "import sys, shared.cli; shared.cli.build(['key']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "shared.commands.keys" in loaded
    assert {"clickhouse_driver", "redis", "aiokafka", "structlog"}.isdisjoint(loaded)
