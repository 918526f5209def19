"""How each kind of rule is judged (alerts.md, "The kinds"): what is found, and of that a pure decision."""

from collections.abc import Awaitable, Callable, Mapping

from gateway.query.alerts.asking import LANGUAGES, Case, Verdict
from gateway.query.alerts.judging.cost import judge_cost
from gateway.query.alerts.judging.groups import judge_new, judge_regressed
from gateway.query.alerts.judging.matches import judge_matches
from gateway.query.alerts.judging.silence import judge_silence
from gateway.query.alerts.judging.standing import judge_lag, judge_letters
from gateway.query.alerts.windows import Window, window_of
from shared.alerts.progress import MINUTE_US
from shared.alerts.rule import Kind, Rule

_OF_WINDOW: Mapping[Kind, Callable[[Case, Window], Awaitable[Verdict]]] = {
    "new_group": judge_new,
    "matches": judge_matches,
    "llm_cost": judge_cost,
    "silence": judge_silence,
}
_AT_ONCE: Mapping[Kind, Callable[[Case], Awaitable[Verdict]]] = {
    "regressed_group": judge_regressed,
    "dead_letters": judge_letters,
    "lag": judge_lag,
}


async def window_for(case: Case) -> Window | None:
    """The time that is to be judged now; None for none. What stands as it is now has no other time than this minute."""
    if case.rule.kind in _AT_ONCE:
        minute = case.now - case.now % MINUTE_US
        return Window(minute, minute, minute)
    complete = await case.deps.complete_of(_tables(case.rule))
    return window_of(case.progress.judged_to, complete.up_to, case.now)


async def judge(case: Case, window: Window) -> Verdict:
    """Raises `PostgresUnavailable`, `TooBig`, `Unavailable`."""
    at_once = _AT_ONCE.get(case.rule.kind)
    return await at_once(case) if at_once else await _OF_WINDOW[case.rule.kind](case, window)


def _tables(rule: Rule) -> list[str]:
    """Whose rows it is about; all where none is named."""
    signals = {"new_group": "errors", "llm_cost": "llm", "matches": rule.signal}
    return [LANGUAGES[signal].table for kind, signal in signals.items() if kind == rule.kind and signal]
