"""`sluice` commands as people and programs call them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.sluice import Ended, called


class Cli:
    """Runs commands in this process, with only `var/env` of the current folder to tell them where the servers are."""

    def __init__(self, postgres_url: str) -> None:
        self.postgres_url = postgres_url

    def run(self, *arguments: str, fails: bool = False, typed: str | None = None, **environment: str) -> str:
        ended = self._ended(arguments, typed, environment)
        assert (ended.code != 0) == fails, ended.err
        return ended.err if fails else ended.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def _ended(self, arguments: tuple[str, ...], typed: str | None, environment: Mapping[str, str]) -> Ended:
        return called(arguments, environment, typed)


class ProcessCli(Cli):
    """Runs each command in a process of its own."""

    def _ended(self, arguments: tuple[str, ...], typed: str | None, environment: Mapping[str, str]) -> Ended:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        done = subprocess.run(
            [sys.executable, "-m", "shared.cli", *arguments],
            env=clean | {"PYTHONPATH": str(Path(__file__).parents[3])} | environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Ended(done.returncode, done.stdout, done.stderr)
