"""`sluice up` as a process, as a person starts it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local.child import Child, Command

SERVERS = ("CLICKHOUSE", "CLICKHOUSE_READ", "POSTGRES", "REDIS", "QUEUE")


class Up(Child):
    """A `sluice up` that answers when it has written `env`."""

    role = "up"
    start_timeout_s = 180.0
    stop_timeout_s = 120.0
    tries = 1

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        super().__init__(folder.with_name(f"{folder.name}.log"))
        self.folder = folder
        self.options = options
        self.environment = {f"SLUICE_{name}_URL": "" for name in SERVERS} | (environment or {})

    def command(self) -> Command:
        return Command([*sluice("up"), "--data-dir", self.folder, *self.options], env=self.environment)

    def answers(self) -> bool:
        return (self.folder / "env").exists()

    def env(self) -> dict[str, str]:
        lines = (self.folder / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def processes(self) -> dict[str, dict[str, Any]]:
        command = [*sluice("status"), "--data-dir", str(self.folder), "--json"]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return {row["role"]: row for row in told["processes"]}


def sluice(subcommand: str) -> list[str]:
    return [sys.executable, "-m", "shared.cli", subcommand]


def wait_until(condition: Callable[[], bool], within_s: float = 90.0) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, EOFError):  # a server that is being restarted
            pass
        time.sleep(0.1)
    pytest.fail("it did not come to that in time")
