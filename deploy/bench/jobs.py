"""Work in a process of its own: it reads a job from standard input and writes the result to standard output. Memory and
threads of the bench then can't blur the measurement."""

import subprocess
import sys
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

J = TypeVar("J", bound=msgspec.Struct)
R = TypeVar("R")


class JobFailed(Exception):
    """A process of the bench ended without a usable result; the text says why."""


class Running(Generic[R]):
    """A process at work on one job. It ends by itself; `stop` ends it early, harmless when it has ended."""

    def __init__(self, module: str, job: msgspec.Struct, result: type[R], timeout_s: float) -> None:
        self._module = module
        self._result = result
        self._timeout_s = timeout_s
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(job))
        self._process.stdin.close()
        self._process.stdin = None

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def result(self) -> R:
        """Wait for the end. Raises `JobFailed`."""
        try:
            output, errors = self._process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired as error:
            raise JobFailed(f"{self._module} did not end within {self._timeout_s:.0f} s") from error
        finally:
            self.stop()
        if self._process.returncode != 0:
            raise JobFailed(f"{self._module} failed: {errors.decode(errors='replace').strip()[-800:]}")
        return msgspec.json.decode(output, type=self._result)

    def stop(self) -> None:
        if self.running:
            self._process.kill()
            self._process.communicate()


def serve(job: type[J], work: Callable[[J], object]) -> None:
    """The other end: do the one job that standard input holds."""
    result = work(msgspec.json.decode(sys.stdin.buffer.read(), type=job))
    sys.stdout.buffer.write(msgspec.json.encode(result))
