"""The process aside: `python -m gateway.validation.aside_child [EXTENSIONS]` checks bodies that come on its standard
input until that ends, and answers on its standard output."""

import os
import resource
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateway import apis
from gateway.child import LENGTH_BYTES, framed
from gateway.rejections import Rejection, TooLarge
from gateway.validation.aside import Done, Task, told
from gateway.validation.checks import Checks, key_in
from shared import registry
from shared.formats.intake import Intake
from shared.memory import give_back

MEMORY_BYTES = 250_000_000
"""Most memory for data: Python objects take many times as much as their JSON."""

NICENESS = 5
"""Behind the event loop, where both want the same core."""


def main() -> None:
    extensions = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    checker = Checker(extensions)
    while length := sys.stdin.buffer.read(LENGTH_BYTES):
        task = msgspec.msgpack.decode(sys.stdin.buffer.read(int.from_bytes(length)), type=Task)
        write(sys.stdout.buffer, checker.done(task, sys.stdin.buffer.read(task.body_bytes)))
        give_back()  # what one large body took, or it stays with the process


def write(out: BinaryIO, done: Done) -> None:
    out.write(framed(msgspec.msgpack.encode(done)))
    out.flush()


class Checker:
    """Checks bodies of every intake, with patience."""

    def __init__(self, extensions: Path | None) -> None:
        known, answering = registry.load(extensions), apis.load(extensions)
        self._intakes = {intake.route: intake for intake in known.intakes}
        self._apis = {intake.route: answering.of(intake) for intake in known.intakes}
        self._checks = {route: Checks(intake, known, self._apis[route], patient=True) for route, intake in self._all()}

    def _all(self) -> list[tuple[str, Intake]]:
        return list(self._intakes.items())

    def done(self, task: Task, body: bytes) -> Done:
        """What is to be said of a body."""
        try:
            checks = self._checks[task.route]
            bodies = checks.opened(body, task.content_type)
            return Done(key=key_in(bodies)) if task.wanted == "key" else told(checks.parts(bodies))
        except Rejection as rejection:
            return self._refused(task, body, rejection)
        except MemoryError:
            return self._refused(task, body, TooLarge())

    def _refused(self, task: Task, body: bytes, rejection: Rejection) -> Done:
        api = self._apis[task.route].dialect(task.content_type, body)
        return Done(reason=rejection.reason, answer=api.answer(rejection))


if __name__ == "__main__":
    main()
