"""So many rows of a signal that a query finds, within so many minutes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from gateway.query.alerts.asking import LANGUAGES, Case, Verdict
from gateway.query.alerts.first import first_of
from gateway.query.alerts.links import PAGES, minutes, number, page
from gateway.query.alerts.windows import Window
from gateway.query.arrivals import find_arrivals
from gateway.query.range import Range
from gateway.query.times import format_time
from gateway.query.triage.judge import over
from shared.alerts.alert import Alert
from shared.alerts.progress import MINUTE_US, Progress
from shared.alerts.rule import Rule, Signal
from shared.error_states import Limit
from shared.formats.values import microseconds

WORDS = {
    "logs": ("log", "logs"),
    "errors": ("error", "errors"),
    "traces": ("span", "spans"),
    "llm": ("call to a model", "calls to models"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reached(NamedTuple):
    """`found`: rows that arrived from `start` to before `end`."""

    start: int
    end: int
    found: int


def reached(
    rule: Rule, progress: Progress, window: Window, counts: Mapping[int, int]
) -> tuple[Progress, Reached | None]:
    """The first minutes that have as many. `counts`: start of a minute -> rows that arrived in it."""
    limit = Limit(rule.count or 1, rule.minutes or 1)
    by_time = {_EPOCH + timedelta(microseconds=minute): count for minute, count in counts.items()}
    last = over(limit, by_time)
    if last is None:
        return replace(progress, judged_to=window.complete), None
    end = max(microseconds(last), window.start) + MINUTE_US
    start = max(end - limit.minutes * MINUTE_US, progress.counted_from)
    found = sum(count for minute, count in counts.items() if start <= minute < end)
    return replace(progress, judged_to=max(end, window.complete), counted_from=end), Reached(start, end, found)


async def judge_matches(case: Case, window: Window) -> Verdict:
    """While it cools, what arrives is passed over; if as much still arrives then, that is told."""
    rule, progress = case.rule, case.progress
    if case.cools:
        return Verdict(replace(progress, judged_to=window.complete))
    signal: Signal = rule.signal or "logs"
    since = max(window.start - ((rule.minutes or 1) - 1) * MINUTE_US, progress.counted_from)
    language, deps = LANGUAGES[signal], case.deps
    members = (await deps.groups.of(case.project_id)).members if signal == "errors" else None
    asked = case.asked(signal, window.back_to(since))
    counts = await find_arrivals(deps.reader, case.project_id, asked, language, members)
    progress, found = reached(rule, progress, window, counts)
    return Verdict(progress, None if found is None else await _alert(case, signal, found, window))


async def _alert(case: Case, signal: Signal, found: Reached, window: Window) -> Alert:
    span = Window(found.start, window.complete, found.end)
    asked = case.asked(signal, span)
    range = Range(found.start - MINUTE_US, found.end)
    what = f"{number(found.found, *WORDS[signal])} in {minutes(case.rule.minutes or 1)}"
    return Alert(
        title=f"{case.rule.name}: {what}",
        text=f"{what}{f' that {case.rule.q!r} finds' if case.rule.q else ''}; the rule tells of {case.rule.count:,}.",
        path=page(case.project_id, PAGES[signal], range, asked.q),
        at=format_time(case.now),
        start=format_time(found.start),
        end=format_time(found.end),
        incomplete=found.end > window.complete,
        first=await first_of(case, signal, asked),
    )
