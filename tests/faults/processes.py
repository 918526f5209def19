"""Gateways and writers that the harness starts itself, with any setting, to harm them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped,unused-ignore]

from deploy.local.child import Command, spawn
from tests.faults.background import Background
from tests.faults.proxy import Proxy
from tests.integration.stack import wait_until

ENDS_WITHIN_S = 60.0


class SluiceProcess:
    """A `sluice` subcommand with a log. It dies with the harness. Start it from the main thread."""

    def __init__(self, role: str, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        self._process: subprocess.Popen[bytes] = spawn(
            Command([sys.executable, "-m", "shared.cli", role], env=environment), log, signal.SIGKILL
        )
        self.pid = self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    @property
    def frozen(self) -> bool:
        """Whether it is stopped (SIGSTOP), by itself or from outside."""
        with suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)
        return False

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait for the orderly end; kill it if that doesn't come."""
        self._process.terminate()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait_ended(self, within_s: float = ENDS_WITHIN_S) -> bool:
        """Whether it ends by itself in time."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        return not self.runs


class WriterProcess(SluiceProcess):
    """A writer that reaches ClickHouse through its own `proxy`."""

    def __init__(self, environment: Mapping[str, str], log: Path, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__("writer", {**environment, "SLUICE_CLICKHOUSE_URL": proxy.url}, log)

    def lanes(self) -> list[dict[str, Any]]:
        """The lanes as /health describes them; nothing while it doesn't answer."""
        found = re.search(r'"metrics_port": (\d+)', self.log.read_text())
        if found is None or not self.runs or self.frozen:
            return []
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/health", timeout=2) as answer:
                lanes: list[dict[str, Any]] = json.load(answer)["lanes"]
                return lanes
        except (OSError, ValueError):
            return []


class Writers:
    """The group's members that the harness started. After every `fill` there are `wanted` of them."""

    def __init__(self, environment: Mapping[str, str], folder: Path, background: Background, wanted: int) -> None:
        self.wanted = self.usual = wanted
        self.all: list[WriterProcess] = []
        self.started = 0
        self._environment = dict(environment)
        self._folder = folder
        self._background = background

    def __iter__(self) -> Iterator[WriterProcess]:
        """The running ones, oldest first."""
        return iter([each for each in self.all if each.runs])

    def spawn(self, **settings: object) -> WriterProcess:
        """Start one more writer. `settings` are `SLUICE_` variables, lower-case and without the prefix."""
        self.started += 1
        proxy = Proxy(self._environment["SLUICE_CLICKHOUSE_URL"])
        proxy.remember = False
        self._background.run(proxy.__aenter__())
        own = {f"SLUICE_{name.upper()}": str(value) for name, value in settings.items()}
        made = WriterProcess({**self._environment, **own}, self._folder / f"writer-{self.started}.log", proxy)
        self.all.append(made)
        return made

    def fill(self) -> None:
        """Start writers until there are as many as wanted, or stop the surplus in order."""
        self._reap()
        running = list(self)
        for extra in running[self.wanted :]:
            extra.stop()
        for _ in range(self.wanted - len(running)):
            self.spawn()
        self._reap()

    def busy(self, within_s: float = 90.0) -> WriterProcess:
        """The youngest writer that has lanes: harm done to it has an effect."""

        def found() -> WriterProcess | None:
            return next((each for each in reversed(list(self)) if each.lanes()), None)

        busy: WriterProcess = wait_until(found, within_s, "a writer with lanes", every_s=0.2)
        return busy

    def kill(self) -> None:
        """Kill all of them at once."""
        for each in self:
            each.send(signal.SIGKILL)
        for each in self.all:
            each.wait_ended()
        self._reap()

    def begin_anew(self) -> None:
        """Replace all of them after a fault that failed half-way."""
        self.kill()
        self.wanted = self.usual
        self.fill()

    def stop(self) -> None:
        """Stop all of them in order."""
        for each in self:
            each.send(signal.SIGTERM)
        for each in self.all:
            each.stop()
        self._reap()

    def waiting(self) -> dict[str, Any]:
        """What each waiting lane waits for: the reason why nothing moves."""
        return {
            f"{lane['topic']}-{lane['partition']}": lane["waiting"]
            for each in self
            for lane in each.lanes()
            if lane["waiting"]
        }

    def _reap(self) -> None:
        for each in self.all:
            if not each.runs:
                self._background.run(each.proxy.__aexit__())
        self.all = [each for each in self.all if each.runs]


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process and its children: they neither answer nor close connections, as on a machine that hangs."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    for member in family:
        member.suspend()
    while not all(map(_all_threads_stopped, family)):  # a thread on another core may still answer
        time.sleep(0.005)
    try:
        yield
    finally:
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.resume()


def _all_threads_stopped(process: psutil.Process) -> bool:
    try:
        stats = [file.read_text() for file in Path("/proc").glob(f"{process.pid}/task/*/stat")]
    except (FileNotFoundError, ProcessLookupError):  # a thread, or the whole process, has just ended
        return not process.is_running()
    return all(stat.rpartition(")")[2].split()[0] in "TZ" for stat in stats)


def unset_of_sluice() -> dict[str, str]:
    """This process's `SLUICE_` variables, emptied: a child inherits ours, and should see only those it is given."""
    return {name: "" for name in os.environ if name.startswith("SLUICE_")}


def sleep_until(moment: float) -> None:
    """Until this monotonic second."""
    time.sleep(max(0.0, moment - time.monotonic()))
