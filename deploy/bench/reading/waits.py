"""How long a reader waits for each question, alone on the machine."""

from collections.abc import Callable, Iterable

import msgspec

from deploy.bench.process import cpu_seconds
from deploy.bench.reading.asker import Asker
from deploy.bench.reading.known import known
from deploy.bench.reading.questions import Question, questions
from deploy.bench.reading.shown import Show, showing_pages
from deploy.bench.reading.stage import Stage

SHOWN = "pages, shown in Chromium"
SHOWN_GOAL_MS = 400.0


class Waited(msgspec.Struct, frozen=True):
    """One question, asked again and again. `cpu_s`: of gateway and server together, for all of `ms`; None where it
    was not measured."""

    group: str
    name: str
    goal_ms: float | None
    ms: list[float]
    cpu_s: float | None


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

    def show(self, show: Show) -> Waited:
        """The same page as a browser shows it, so many times as it was asked for."""
        show(self._target)
        times = [show(self._target) for _ in self._ms]
        return Waited(SHOWN, self._question.name, SHOWN_GOAL_MS, times, None)

    def forget(self) -> None:
        self._ms, self._cpu_s = [], 0.0

    @property
    def is_page(self) -> bool:
        return self._question.is_page

    @property
    def waited(self) -> Waited:
        question = self._question
        return Waited(self._group, question.name, question.goal_ms, self._ms, self._cpu_s)


def measure_waits(stage: Stage, times: int, step: Callable[[str], None]) -> list[Waited]:
    """Each question so many times. All are asked before one is asked again, so that what else happens on the machine
    spreads over them; a first round is not counted. Then pages are shown in a browser, if there is one. `step` is
    called `times` + 2 times. Raises `JobFailed`."""
    with stage.visitor() as asker:
        names = known(stage.week, asker)
        asked = [_Asked(group, question, question.target(stage.week, names)) for group, question in questions()]
        for number in range(times + 1):
            step(f"{len(asked)} questions, round {number}" if number else f"{len(asked)} questions, to warm up")
            for each in asked:
                each.ask(asker, stage.pids)
                if number == 0:
                    each.forget()
        step("pages are shown in a browser")
        with showing_pages(asker) as show:
            shown = [each.show(show) for each in asked if each.is_page] if show else []
    return [*(each.waited for each in asked), *shown]
