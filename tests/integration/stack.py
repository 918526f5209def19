"""`sluice up` as a test sees it: a process to start, inspect and harm."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from clickhouse_driver import Client

from deploy.local.ports import free_port

UP_WITHIN_S = 180.0
DOWN_WITHIN_S = 120.0


class RunningStack:
    """One `sluice up` on a folder of its own. `options` go on its command line, `environment` to all its processes."""

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        # Not the usual port: another test's stack may take that while a gateway of this one is being restarted.
        self._options = options if "--port" in options else (*options, "--port", str(free_port()))
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")} | (environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.env: dict[str, str] = {}

    def start(self) -> None:
        """Start and wait until everything answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.folder.name}.out").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "shared.cli", "up", "--data-dir", str(self.folder), *self._options],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        file = self.folder / "env"
        wait_until(lambda: file.exists() or self._died(), UP_WITHIN_S, "sluice up")
        self.env = dict(line.split("=", 1) for line in file.read_text().splitlines())

    def stop(self) -> None:
        """SIGTERM, and wait for the orderly end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(DOWN_WITHIN_S)
            self._process = None

    def kill(self) -> None:
        """SIGKILL to `sluice up` itself: its children die with it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def processes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.folder / "state.json").read_text())["processes"]
        return found

    def pid(self, role: str) -> int:
        """The pid of the first process of a role, once it is up."""

        def running() -> int | None:
            for process in self.processes():
                if process["role"] == role and process["state"] == "running" and process["pid"]:
                    return int(process["pid"])
            return None

        return wait_until(running, UP_WITHIN_S, f"{role} up")

    def ports(self, *roles: str) -> list[int]:
        """The ports of the processes of these roles."""
        return [int(each["port"]) for each in self.processes() if each["role"] in roles]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a SELECT as dicts; the texts as ClickHouse has them."""
        client = Client.from_url(self.env["SLUICE_CLICKHOUSE_URL"])
        try:
            rows, types = client.execute(sql, with_column_types=True)
            return [dict(zip((name for name, _ in types), row, strict=True)) for row in rows]
        finally:
            client.disconnect()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """(status, JSON body) of one request to the gateway."""
        request = urllib.request.Request(self.env["SLUICE_URL"] + path, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null")
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def sluice(self, *arguments: str, **environment: str) -> Any:
        """The JSON that a command run beside the stack prints, whatever its exit code."""
        return json.loads(self.printed(*arguments, "--json", **environment))

    def printed(self, *arguments: str, **environment: str) -> str:
        """What a command run beside the stack prints into a pipe."""
        done = self._run(arguments, environment)
        assert done.stdout, done.stderr
        return done.stdout

    def fails(self, *arguments: str) -> str:
        """What a command run beside the stack says when it ends with exit code 1."""
        done = self._run(arguments, {})
        assert done.returncode == 1, done.stdout
        return done.stderr

    def _run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "shared.cli", *arguments],
            env={**self._environment, **self.env, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def read(self, path: str) -> tuple[int, Any]:
        """GET with the read key."""
        return self.request("GET", path, headers={"Authorization": f"Bearer {self.env['SLUICE_READ_KEY']}"})

    def _died(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            out = (self.folder.parent / f"{self.folder.name}.out").read_text()
            raise AssertionError(f"sluice up ended with {self._process.returncode}:\n{out[-4000:]}")
        return False


def wait_until(condition: Callable[[], Any], within_s: float, what: str, every_s: float = 0.05) -> Any:
    """The first true value of `condition`; fails the test, naming `what`, when there is none in time."""
    end = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not within {within_s} s"
        time.sleep(every_s)
    return value


def stored(stack: RunningStack, n: int, table: str, where: str) -> list[dict[str, Any]]:
    """The rows of a condition in the order of their requests, once there are `n`."""
    sql = f"SELECT * FROM {table} WHERE {where} ORDER BY received_at, _offset, _index"
    rows: list[dict[str, Any]] = wait_until(lambda: found if len(found := stack.rows(sql)) >= n else None, 60, where)
    assert len(rows) == n
    return rows


@contextmanager
def running_stack(folder: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[RunningStack]:
    stack = RunningStack(folder, *options, environment=environment)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
