"""A service of which nothing arrives."""

from msgspec.structs import replace

from gateway.query.alerts.asking import LANGUAGES, Case, Verdict
from gateway.query.alerts.links import minutes, page
from gateway.query.alerts.windows import Window
from gateway.query.arrivals import find_arrivals
from gateway.query.range import Range
from gateway.query.times import format_time
from gateway.query.together import together
from shared.alerts.alert import Alert
from shared.alerts.progress import MINUTE_US, Progress
from shared.alerts.rule import SIGNALS


def is_silent(progress: Progress, minutes: int, complete: int, arrived: int) -> tuple[Progress, bool]:
    """`arrived`: rows of the minutes before `complete`. Silence is told once; a rule that is younger waits."""
    began = max(progress.counted_from, 0)
    silent = not arrived and complete - minutes * MINUTE_US >= began
    told = silent and not progress.level
    return replace(progress, judged_to=complete, level=1.0 if silent else 0.0), told


async def judge_silence(case: Case, window: Window) -> Verdict:
    """Only what is complete is judged: what lags is not silent."""
    if window.complete <= case.progress.judged_to:
        return Verdict(case.progress)
    length = case.rule.minutes or 1
    looked_at = Window(window.complete - length * MINUTE_US, window.complete, window.complete)
    deps, project_id = case.deps, case.project_id
    counts = await together(
        *(
            find_arrivals(deps.reader, project_id, case.asked(signal, looked_at), LANGUAGES[signal])
            for signal in SIGNALS
        )
    )
    progress, told = is_silent(case.progress, length, window.complete, sum(sum(each.values()) for each in counts))
    if told and case.cools:
        return Verdict(replace(progress, level=0.0))
    return Verdict(progress, _alert(case, looked_at, length) if told else None)


def _alert(case: Case, silent: Window, length: int) -> Alert:
    range = Range(silent.start - length * MINUTE_US, silent.end)
    return Alert(
        title=f"{case.rule.name}: nothing from {case.rule.service} for {minutes(length)}",
        text=f"No log, error, span or call of the service {case.rule.service} arrived in {minutes(length)}.",
        path=page(case.project_id, "logs", range, case.tree("logs")),
        at=format_time(case.now),
        start=format_time(silent.start),
        end=format_time(silent.end),
    )
