"""`sluice` commands in this process: what a process of its own would do, without its start."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple
from unittest.mock import patch

from structlog.testing import capture_logs
from typer.testing import CliRunner

from shared import logging_setup
from shared.cli import build

PIPE = {"FORCE_COLOR": None, "COLUMNS": None, "NO_COLOR": None, "TTY_COMPATIBLE": None}


_one_at_a_time = Lock()
"""Standard output and the environment are of the whole process, and so is logging."""


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[Any]:
        """What each line is as JSON."""
        return [json.loads(line) for line in self.lines]


def called(arguments: Sequence[str], environment: Mapping[str, str | None], typed: str | None = None) -> Ended:
    """As a command ends that a person calls with these variables and no other `SLUICE_` ones. What it doesn't catch is
    raised: a person would see a traceback."""
    hidden = {name: None for name in os.environ if name.startswith("SLUICE_")}
    variables = {**PIPE, **hidden, **environment}
    with _one_at_a_time, patch.object(logging_setup, "configure"), capture_logs(), ThreadPoolExecutor(1) as thread:
        depth = sys.getrecursionlimit()  # commands that read deep records raise it, for a process of their own
        # A thread has no event loop that runs, as a process at its start.
        done = thread.submit(CliRunner().invoke, build(arguments), arguments, input=typed, env=variables).result()
        sys.setrecursionlimit(depth)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)
