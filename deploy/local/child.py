"""One child process: steps first, then the program that stays, ready when it answers.

Nothing here waits except `start` and `stop`: `begin` and `advance` let one thread bring up many children side by side.
Children must be started from the main thread, because the kernel ties "die with your parent" to the parent's thread.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

from deploy.local.ports import free_port
from shared import processes

_LOG_LIMIT_BYTES = 20_000_000
_LOOK_EVERY_S = 0.03


class DidNotStart(Exception):
    """A child ended, or stayed silent, before it answered; the text ends with the last lines of its log."""


@dataclass(frozen=True)
class Command:
    """A program to run. `env` comes on top of ours; `user` is (uid, gid), needs root, and may be `RENAME_ROOT`.

    For a step: `doing` tells a person what is going on, `timeout_s` is how long it may take.
    """

    argv: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stdin: Path | None = None
    user: tuple[int, int] = processes.KEEP_USER
    doing: str = ""
    timeout_s: float = 30.0


@cache
def can_rename_root() -> bool:
    """Whether root may make a user namespace here (containers often forbid it)."""
    argv = processes.dying_with_us([sys.executable, "-c", ""], signal.SIGKILL, processes.RENAME_ROOT)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603 - ours
    return done.returncode == 0


class Child:
    """One supervised program, with a role and a log.

    1. It dies with this process, however this process ends (Linux).
    2. Ctrl-C in a terminal reaches only this process, which stops its children in order.
    3. `port` is a preference (None: any) until it has answered once: each of the three tries takes another port if the
       preferred one is taken. From then on its address never changes.
    """

    role: str = "child"
    stop_signal = signal.SIGTERM
    parent_death_signal = signal.SIGKILL
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 10.0
    tries: int = 3

    def __init__(self, log: Path, port: int | None = None) -> None:
        self.log = log
        self.port = port
        self.ready = False
        self.answered_once = False
        self.doing = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._steps: Iterator[Command] = iter(())
        self._serving = False
        self._tries_left = 0
        self._deadline = 0.0
        self._log_start = 0

    # What a subclass defines.

    def before_try(self) -> None:
        """Before each try: choose a port, remove what a killed predecessor left."""
        if not self.answered_once:
            self.port = free_port(self.port)

    def steps(self) -> Iterator[Command]:
        """Programs that must end with 0, in order, before `command` runs. May do quick work of its own in between."""
        yield from ()

    def command(self) -> Command:
        """The program that stays."""
        raise NotImplementedError

    def answers(self) -> bool:
        """One quick look (well under a second): does it work?"""
        raise NotImplementedError

    # What its owner calls.

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    def begin(self) -> None:
        """Begin to start it; call `advance` until it returns True."""
        if self.running:
            raise RuntimeError(f"{self.role} is running already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._tries_left = self.tries
        self._try()

    def advance(self) -> bool:
        """Take the next step that needs no waiting. True once it answers. Raises `DidNotStart`."""
        if self.ready:
            return True
        if self._process is None:
            raise RuntimeError(f"begin() {self.role} first")
        code = self._process.poll()
        if code is None:
            self._look()
        elif not self._serving and code == 0:
            self._next_step()
        elif self._serving and self._tries_left > 0:
            self._try()
        else:
            self._failed(f"ended with {describe_exit(code)} before it answered")
        return self.ready

    def start(self) -> Self:
        """Begin and wait until it answers. Raises `DidNotStart`."""
        start_together(self)
        return self

    def ask_to_stop(self) -> None:
        """Send the stop signal; a child that is still at its steps is killed."""
        self.ready = False
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal if self._serving else signal.SIGKILL)

    def stop(self) -> None:
        """Stop it and wait; it is killed when `stop_timeout_s` have passed. Harmless when it does not run."""
        self.ask_to_stop()
        self.wait_stopped(time.monotonic() + self.stop_timeout_s)

    def wait_stopped(self, deadline: float) -> bool:
        """Wait for the end until `deadline` (monotonic seconds), then kill. True if no kill was needed."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """SIGKILL, as a crash or the kernel's memory killer would do; waits for the end."""
        self.ready = False
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # How.

    def _try(self) -> None:
        self._tries_left -= 1
        self._serving = False
        self.ready = False
        self.before_try()
        self._steps = self.steps()
        self._next_step()

    def _next_step(self) -> None:
        step = next(self._steps, None)
        self._serving = step is None
        self.doing = step.doing if step else ""
        self._deadline = time.monotonic() + (step.timeout_s if step else self.start_timeout_s)
        self._process = spawn(step or self.command(), self.log, self.parent_death_signal)

    def _look(self) -> None:
        if self._serving and self.answers():
            self.ready = self.answered_once = True
        elif time.monotonic() > self._deadline:
            self.kill()
            self._failed("did not answer in time")

    def _failed(self, what: str) -> None:
        raise DidNotStart(f"{self.role} {what}. The end of {self.log}:\n{last_lines(self.log, self._log_start)}")


def start_together(*children: Child) -> None:
    """Start all at the same time and wait until all answer. Raises `DidNotStart`; the others are left running."""
    for child in children:
        child.begin()
    starting = list(children)
    while starting := [child for child in starting if not child.advance()]:
        time.sleep(_LOOK_EVERY_S)


def run(command: Command, log: Path, name: str) -> None:
    """Run a program to its end. Raises `DidNotStart` unless it ends with 0 within `command.timeout_s`."""
    begins = log.stat().st_size if log.exists() else 0
    process = spawn(command, log, signal.SIGKILL)
    try:
        code = process.wait(command.timeout_s)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        process.kill()
        process.wait()
    if code != 0:
        ending = "did not end in time" if code is None else f"ended with {describe_exit(code)}"
        raise DidNotStart(f"{name} {ending}. The end of {log}:\n{last_lines(log, begins)}")


def spawn(command: Command, log: Path, orphaned: signal.Signals) -> subprocess.Popen[bytes]:
    """Run a program with its output appended to `log`; it dies with this process, see `shared/processes.py`."""
    with log.open("ab") as output, (command.stdin or Path(os.devnull)).open("rb") as given:
        return processes.spawn(
            command.argv,
            orphaned=orphaned,
            user=command.user,
            environment=command.env,
            folder=command.cwd,
            stdin=given,
            output=output,
        )


def describe_exit(code: int) -> str:
    """An exit code in words: 'exit code 1', 'signal SIGKILL'."""
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def last_lines(log: Path, begins: int, lines: int = 15) -> str:
    """The last lines of a log, of what was written after its first `begins` bytes."""
    if not log.exists():
        return "(no log)"
    with log.open("rb") as file:
        file.seek(max(begins, file.seek(0, os.SEEK_END) - 20_000))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:]) or "(it logged nothing)"
