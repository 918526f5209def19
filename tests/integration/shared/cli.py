"""`sluice` commands as people and programs call them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


class Cli:
    """Runs commands with only `var/env` to tell them where the servers are."""

    def __init__(self, folder: Path, postgres_url: str) -> None:
        self.postgres_url = postgres_url
        self._folder = folder

    def run(self, *arguments: str, fails: bool = False, typed: str | None = None, **environment: str) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        done = subprocess.run(
            [sys.executable, "-m", "shared.cli", *arguments],
            env=clean | {"PYTHONPATH": str(Path(__file__).parents[3])} | environment,
            cwd=self._folder,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))
