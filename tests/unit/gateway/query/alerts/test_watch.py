"""What goes wrong with a rule stays its own, and takes its share of time (alerts.md, "When a rule is judged")."""

from collections import deque
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.query.alerts import watch as module
from gateway.query.alerts.asking import Case, Verdict
from gateway.query.alerts.rounds import AlertRounds
from gateway.query.alerts.watch import PIECE_US, Watch
from gateway.query.alerts.windows import Window
from gateway.query.reader import TooSlow
from gateway.rejections import Unavailable
from shared.alerts.alert import Alert
from shared.alerts.progress import Progress
from shared.alerts.rule import Rule, Target
from shared.alerts.rules import StoredRule
from shared.clients.postgres import PostgresUnavailable
from shared.secret import Secret

END = 3 * PIECE_US


class Kept:
    """The rules, whose verdicts may be `refused`."""

    def __init__(self) -> None:
        self.rules: dict[str, StoredRule] = {}
        self.refused: set[str] = set()

    def add(self, rule_id: str, project_id: str = "p") -> None:
        rule, now = Rule(name=rule_id, kind="matches"), datetime.now(UTC)
        begun = Progress(judged_to=0)
        self.rules[rule_id] = StoredRule(
            *(rule_id, project_id, rule, Target(Secret(""), Secret("")), begun, "user ana", now, now, None)
        )

    async def watched(self) -> list[StoredRule]:
        return list(self.rules.values())

    async def advance(self, stored: StoredRule, progress: Progress, alert: Alert | None = None) -> None:
        if stored.id in self.refused:
            raise PostgresUnavailable("for this test")
        self.rules[stored.id] = replace(stored, progress=progress)

    def progress(self, rule_id: str) -> Progress:
        return self.rules[rule_id].progress


class Judge:
    """Judges each rule to the end of its window, unless it has something to raise."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Window]] = []
        self.problems: dict[str, deque[Exception]] = {}

    async def __call__(self, case: Case, window: Window) -> Verdict:
        self.asked.append((case.rule.name, window))
        if problems := self.problems.get(case.rule.name):
            raise problems.popleft()
        return Verdict(replace(case.progress, judged_to=window.complete))


async def _window(case: Case) -> Window | None:
    begin = case.progress.judged_to
    return Window(begin, END, END) if begin < END else None


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    made = Judge()
    monkeypatch.setattr(module, "judge", made)
    monkeypatch.setattr(module, "window_for", _window)
    return made


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def deps(kept: Kept) -> Any:
    return SimpleNamespace(known_alerts=SimpleNamespace(rules=kept))


async def test_a_rule_that_breaks_says_so_and_stops_no_other_one(kept: Kept, judge: Judge, deps: Any) -> None:
    for rule_id, project_id in (("a", "p"), ("b", "p"), ("c", "q"), ("d", "q")):
        kept.add(rule_id, project_id)
    judge.problems = {"a": deque([StopIteration()]), "c": deque([Unavailable()])}
    kept.refused = {"d"}
    rounds = AlertRounds("", deps, lambda: END * 1000)
    await rounds.judge()
    assert [kept.progress(each).judged_to for each in "abcd"] == [0, END, 0, 0]
    assert "can't be judged" in kept.progress("a").problem
    kept.refused.clear()
    await rounds.judge()
    assert [kept.progress(each).judged_to for each in "abcd"] == [END] * 4
    assert kept.progress("a").problem == ""


async def test_what_takes_too_long_is_judged_in_pieces_and_passed_over_the_second_time(
    kept: Kept, judge: Judge, deps: Any
) -> None:
    kept.add("a")
    judge.problems = {"a": deque([TooSlow(), TooSlow()])}
    watch = Watch(deps, lambda: 0)
    seen = []
    for _ in range(4):
        await watch.judge_project(list(kept.rules.values()))
        seen.append((judge.asked[-1][1].end, kept.progress("a").judged_to, bool(kept.progress("a").problem)))
    assert seen == [
        (END, 0, False),
        (PIECE_US, PIECE_US, True),
        (2 * PIECE_US, 2 * PIECE_US, False),
        (END, END, False),
    ]


async def test_a_project_whose_time_is_over_goes_on_with_its_next_rule(
    kept: Kept, judge: Judge, deps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OF_PROJECT_S", 0.0)
    for rule_id in "abc":
        kept.add(rule_id)
    judge.problems = {each: deque([Unavailable()] * 9) for each in "abc"}
    watch = Watch(deps, lambda: 0)
    for _ in range(4):
        await watch.judge_project(list(kept.rules.values()))
    assert [name for name, _ in judge.asked] == ["a", "b", "c", "a"]


async def test_a_verdict_that_was_not_kept_is_judged_again(kept: Kept, judge: Judge, deps: Any) -> None:
    kept.add("a")
    watch = Watch(deps, lambda: 0)
    kept.refused = {"a"}
    await watch.judge_project(list(kept.rules.values()))
    kept.refused = set()
    await watch.judge_project(list(kept.rules.values()))
    assert kept.progress("a").judged_to == END
