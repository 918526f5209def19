"""`sluice` in this process, as in a pipe or as in a terminal, and as a process in a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.sluice import Ended, called

ROOT = Path(__file__).parents[5]
TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": ""}


class Sluice:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)

    def run(self, *arguments: str, **environment: str | None) -> Ended:
        """As in a pipe."""
        return self._run(arguments, environment)

    def shown(self, *arguments: str, **environment: str | None) -> Ended:
        """As in a terminal of 80 cells."""
        return self._run(arguments, {**TERMINAL, **environment})

    def _run(self, arguments: tuple[str, ...], environment: Mapping[str, str | None]) -> Ended:
        return called(arguments, {**self.environment, **environment})

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """A process's arguments and environment."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        return [sys.executable, "-m", "shared.cli", *arguments], {**clean, "PYTHONPATH": str(ROOT), **self.environment}

    def in_terminal(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """The exit code of a process, and all that it writes to its terminal of 80 cells."""
        argv, env = self.command(*arguments)
        ours, its = pty.openpty()
        size = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
        with subprocess.Popen(argv, env={**env, **size, **environment}, stdin=its, stdout=its, stderr=its) as process:
            os.close(its)
            written = b""
            while True:
                try:
                    read = os.read(ours, 65_536)
                except OSError:  # the last one that wrote to it has gone
                    break
                written += read
            os.close(ours)
        return process.returncode, written.decode()
