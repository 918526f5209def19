"""A writer in a process of its own."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


async def until(true: Callable[[], Any], *, within_s: float = 60.0, what: str = "") -> None:
    """Return as soon as it is true; fail the test when it takes too long."""
    deadline = time.monotonic() + within_s
    while not (true() if not asyncio.iscoroutinefunction(true) else await true()):
        assert time.monotonic() < deadline, what or "it did not become true in time"
        await asyncio.sleep(0.02)


class Process:
    """A writer process; killed at the end of a `with`."""

    def __init__(self, signals: Sequence[str], env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "shared.cli", "writer", *signals],
                env=env,
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self, within_s: float = 60.0) -> int:
        """The exit code; negative for the signal that ended it."""
        deadline = time.monotonic() + within_s
        while (code := self._process.poll()) is None:
            assert time.monotonic() < deadline, f"it runs on:\n{self.log}"
            await asyncio.sleep(0.02)
        return code

    async def frozen(self, within_s: float = 60.0) -> None:
        """Wait until it is stopped (SIGSTOP)."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        await until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", within_s=within_s, what=self.log)

    async def metrics(self) -> str:
        """What /metrics says."""
        port = re.search(r'"metrics_port": (\d+)', self.log)
        assert port, self.log
        return (await http_get(int(port[1]), "/metrics"))[1]


async def http_get(port: int, path: str) -> tuple[int, str]:
    """(status, body) of a request to 127.0.0.1."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body
