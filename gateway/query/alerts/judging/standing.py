"""What stands as it is now, whatever the time: dead letters, and lag."""

from msgspec.structs import replace

from gateway.query.alerts.asking import Case, Verdict
from gateway.query.alerts.links import minutes, number, page
from gateway.query.delivery.shapes import DeliveryAnswer
from gateway.query.delivery.state import find_delivery
from gateway.query.times import format_time
from shared.alerts.alert import Alert
from shared.alerts.progress import Progress


def more_letters(progress: Progress, most: int, found: int) -> tuple[Progress, bool]:
    """Told where there are as many, and more than there were when it was told."""
    told = found >= most and found > progress.level
    return replace(progress, level=float(found if told else min(found, progress.level))), told


def lags(progress: Progress, most: int, behind: float) -> tuple[Progress, bool]:
    """Told once, until it is over. Minutes."""
    late = behind >= most
    return replace(progress, level=1.0 if late else 0.0), late and not progress.level


async def judge_letters(case: Case) -> Verdict:
    answer = await find_delivery(case.deps, case.project_id)
    if answer.dead_letters is None:
        return Verdict(case.progress)
    found = sum(each.count for each in answer.dead_letters.open)
    progress, told = more_letters(case.progress, case.rule.count or 1, found)
    if not told or case.cools:
        return Verdict(case.progress if told else progress)
    reasons = ", ".join(f"{each.count:,} {each.signal}: {each.reason}" for each in answer.dead_letters.open[:10])
    what = number(found, "open dead letter", "open dead letters")
    return Verdict(progress, _alert(case, what, f"{what} ({reasons}). `sluice dlq list` shows them."))


async def judge_lag(case: Case) -> Verdict:
    behind = _behind(await find_delivery(case.deps, case.project_id))
    if behind is None:
        return Verdict(case.progress)
    progress, told = lags(case.progress, case.rule.minutes or 1, behind)
    if not told or case.cools:
        return Verdict(case.progress if told else progress)
    what = f"storage lags {minutes(int(behind))} behind"
    text = f"What arrived in the last {minutes(int(behind))} is not all stored yet. It is kept in the queue."
    return Verdict(progress, _alert(case, what, text))


def _behind(answer: DeliveryAnswer) -> float | None:
    """Minutes of the lane that is furthest behind; None where it is unknown."""
    return None if answer.lanes is None else max((lane.lag_seconds for lane in answer.lanes), default=0.0) / 60


def _alert(case: Case, what: str, text: str) -> Alert:
    title, path = f"{case.rule.name}: {what}", page(case.project_id, "ingest")
    return Alert(title=title, text=text, path=path, at=format_time(case.now))
