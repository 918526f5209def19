"""How long a reader waits for each question, alone on the machine."""

from collections.abc import Callable, Iterable

import msgspec

from deploy.bench.process import cpu_seconds
from deploy.bench.reading.asker import Asker
from deploy.bench.reading.known import known
from deploy.bench.reading.questions import Question, questions
from deploy.bench.reading.stage import Stage


class Waited(msgspec.Struct, frozen=True):
    """One question, asked again and again. `cpu_s`: of gateway and server together, for all of `ms`."""

    group: str
    name: str
    goal_ms: float | None
    ms: list[float]
    cpu_s: float


class _Asked:
    """A question on its way through the rounds."""

    def __init__(self, group: str, question: Question, target: str) -> None:
        self._group = group
        self._question = question
        self._target = target
        self._ms: list[float] = []
        self._cpu_s = 0.0

    def ask(self, asker: Asker, pids: Iterable[int]) -> None:
        cpu_s = sum(map(cpu_seconds, pids))
        ask = asker.ask_to_end if self._question.to_end else lambda target: asker.ask(target).ms
        self._ms.append(ask(self._target))
        self._cpu_s += sum(map(cpu_seconds, pids)) - cpu_s

    def forget(self) -> None:
        self._ms, self._cpu_s = [], 0.0

    @property
    def waited(self) -> Waited:
        question = self._question
        return Waited(self._group, question.name, question.goal_ms, self._ms, self._cpu_s)


def measure_waits(stage: Stage, times: int, step: Callable[[str], None]) -> list[Waited]:
    """Each question so many times. All are asked before one is asked again, so that what else happens on the machine
    spreads over them; a first round is not counted. `step` is called `times` + 1 times. Raises `JobFailed`."""
    with stage.asker() as asker:
        names = known(stage.week, asker)
        asked = [_Asked(group, question, question.target(stage.week, names)) for group, question in questions()]
        for number in range(times + 1):
            step(f"{len(asked)} questions, round {number}" if number else f"{len(asked)} questions, to warm up")
            for each in asked:
                each.ask(asker, stage.pids)
                if number == 0:
                    each.forget()
    return [each.waited for each in asked]
