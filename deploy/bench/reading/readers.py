"""Several readers at the same time, beside something else that is measured."""

import threading
from collections.abc import Sequence
from itertools import cycle
from time import perf_counter
from typing import Self

from deploy.bench.jobs import JobFailed
from deploy.bench.reading.asker import Asker


class Readers:
    """A thread for each asker asks from `with` on to its end, all of the targets in turn; each begins at another one.

    `every_s`: seconds from one question of a reader to the next; with 0 the next one follows at once. At the end it
    raises `JobFailed` if one was not answered 200.
    """

    def __init__(self, askers: Sequence[Asker], targets: Sequence[str], every_s: float) -> None:
        self.ms: list[float] = []
        self._askers = askers
        self._targets = targets
        self._every_s = every_s
        self._stopping = threading.Event()
        self._failed: list[JobFailed] = []
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(len(askers))]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        if self._failed and kind is None:
            raise self._failed[0]

    def _run(self, number: int) -> None:
        first = number * len(self._targets) // len(self._threads)
        due = perf_counter() + self._every_s * number / len(self._threads)
        with self._askers[number] as asker:
            for target in cycle([*self._targets[first:], *self._targets[:first]]):
                if self._stopping.wait(max(0.0, due - perf_counter())):
                    return
                try:
                    self.ms.append(asker.ask(target).ms)
                except JobFailed as error:
                    self._failed.append(error)
                    return
                due = max(due + self._every_s, perf_counter())
