"""`sluice writer --processes N`: one parent keeps N writers alive, and stops them in order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from shared.processes import Restart, spawn
from shared.settings import PREFIX
from shared.settings import Writer as WriterSettings

_log = structlog.get_logger(__name__)

LEAVE_S = 15.0
"""What a writer gets, after its flush, to end its inserts and to leave the group."""

_LOOK_EVERY_S = 0.1


def variables_of(number: int, settings: WriterSettings) -> dict[str, str]:
    """The variables that set the writer of this number (1, 2, ...) apart from the others."""
    port, file = settings.metrics_port, settings.liveness_file
    own = {
        "NAME": f"{settings.name}.{number}" if settings.name else str(number),
        "METRICS_PORT": str(port + number - 1 if port else 0),
        "LIVENESS_FILE": f"{file}.{number}" if file else "",
    }
    return {f"{PREFIX}WRITER_{name}": value for name, value in own.items()}


@dataclass
class _Child:
    """One writer process and its restarts. Times are monotonic seconds."""

    variables: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    restart: Restart = field(default_factory=Restart)


class Processes:
    """Writers in processes of their own, one for each set of variables.

    1. One that ends is started again, after a pause that doubles from death to death.
    2. SIGTERM and SIGINT reach only this process, which asks all to flush, and waits for them.
    3. They are asked to stop, too, when this process ends, however it ends (Linux).
    4. One that refuses its settings ends all: it would again.
    """

    def __init__(self, arguments: Sequence[str], variables: Sequence[Mapping[str, str]], shutdown_s: float) -> None:
        self._arguments = [sys.executable, "-m", "shared.cli", "writer", *arguments]
        self._children = [_Child(each) for each in variables]
        self._shutdown_s = shutdown_s
        self._stopping = False

    def run(self) -> int:
        """Until SIGTERM or SIGINT; the exit code. To be called on the main thread: children die with their thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        code = 0
        try:
            while not self._stopping and not code:
                code = self._tick(time.monotonic())
                time.sleep(_LOOK_EVERY_S)
        finally:
            self._end(time.monotonic() + self._shutdown_s + LEAVE_S)
        return code

    def _tick(self, now: float) -> int:
        """Start the writers that are due. Not 0: a writer has refused to run, with this exit code."""
        for child in self._children:
            if child.process is None:
                if now >= child.restart.at:
                    self._start(child, now)
            elif (code := child.process.poll()) is not None:
                if code == os.EX_CONFIG:
                    _log.error("a writer refuses to run: all end", variables=child.variables)
                    return code
                self._restart_later(child, code, now)
        return 0

    def _start(self, child: _Child, now: float) -> None:
        child.process = spawn(self._arguments, orphaned=signal.SIGTERM, environment=child.variables)
        child.began = now
        _log.info("writer process started", pid=child.process.pid, variables=child.variables)

    def _restart_later(self, child: _Child, code: int, now: float) -> None:
        child.process = None
        pause_s = child.restart.after_death(now, now - child.began)
        _log.error("writer process ended", exit_code=code, variables=child.variables, again_in_s=pause_s)

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True

    def _end(self, deadline: float) -> None:
        """Stop all at once; a writer that takes longer is killed: what it holds is still in the queue."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _log.error("a writer took too long to stop: killed", pid=process.pid)
                process.kill()
                process.wait()
