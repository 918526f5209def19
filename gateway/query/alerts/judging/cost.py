"""Budgets: what calls to models cost in a day or a month, in all or for each value of an attribute."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from gateway.query.alerts.asking import LANGUAGES, Case, Verdict
from gateway.query.alerts.links import page
from gateway.query.alerts.windows import Window
from gateway.query.asked import Asked
from gateway.query.deps import QueryDeps
from gateway.query.dimensions import Dimension, parse_dimensions
from gateway.query.language import EVERYTHING, Node
from gateway.query.language.field import ATTRIBUTE
from gateway.query.llm.course import find_cost
from gateway.query.llm.usage import COLUMNS, MAX_GROUPS, USUAL, UsageQuery, find_usage
from gateway.query.parameters import Parameters
from gateway.query.range import Range
from gateway.query.times import format_time
from shared.alerts.alert import Alert
from shared.alerts.progress import MINUTE_US, Progress
from shared.alerts.rule import Period, Rule
from shared.alerts.storable import plain
from shared.formats.values import microseconds

EVERY_US = 5 * MINUTE_US
"""How often a budget is looked at: a month of calls is much to read."""

MOST_TOLD = 500
"""Keys that are remembered as told in a period; of more the first are told again."""

MOST_KEY = 200
"""Characters of a key; a longer one has no budget."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """A day or a month, in UTC: `2026-11-26` or `2026-11`, its first microsecond, and that of the next."""

    name: str
    start: int
    end: int


def span_of(period: Period, moment: int) -> Span:
    """The one that a moment is in, microseconds."""
    day = (_EPOCH + timedelta(microseconds=moment)).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return Span(f"{day:%Y-%m-%d}", microseconds(day), microseconds(day + timedelta(days=1)))
    first = day.replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return Span(f"{first:%Y-%m}", microseconds(first), microseconds(after))


def spent_now(progress: Progress, usd: float, span: Span, spent: Mapping[str, float]) -> tuple[Progress, list[str]]:
    """The keys whose budget is spent and of which nobody was told in this span. `spent`: key -> US dollars."""
    before = progress.told if progress.period == span.name else ()
    over = [key for key, cost in spent.items() if cost >= usd and key not in before]
    return replace(progress, period=span.name, told=(*before, *over)[-MOST_TOLD:]), over


def dimension_of(key: str) -> Dimension:
    """What calls are told apart by: one attribute. Raises `BadQuery`."""
    given = Parameters([("each", ATTRIBUTE + key)])
    found = parse_dimensions(given, "each", COLUMNS, 1)
    given.finish()
    return found[0]


async def find_spent(deps: QueryDeps, project_id: str, rule: Rule, tree: Node, range: Range) -> Mapping[str, float]:
    """Key -> US dollars of the calls in a range; all of them have the key ''. The dearest first. Raises
    `BadQuery`, `TooBig`, `Unavailable`."""
    if tree == EVERYTHING and not rule.each:
        return {"": await find_cost(deps.reader, project_id, range)}
    dimensions = (dimension_of(rule.each),) if rule.each else USUAL
    asked = Asked(range, tree, tables=(LANGUAGES["llm"].table,))
    found = await find_usage(deps.reader, project_id, UsageQuery(asked, dimensions, None, MAX_GROUPS, 0))
    if not rule.each:
        return {"": found.total.cost_usd}
    spent = dict[str, float]()
    for group in found.groups:
        (key,) = group.key.values()
        if key is not None and len(key) <= MOST_KEY:
            spent.setdefault(plain(key), group.used.cost_usd)
    return spent


async def judge_cost(case: Case, window: Window) -> Verdict:
    """Each span is judged to its very end before the next one begins. While it cools nothing is judged: what is spent
    then is told afterwards, though its span may be over."""
    rule, progress = case.rule, case.progress
    span = span_of(rule.period or "day", progress.judged_to)
    end = min(window.end, span.end)
    if end < span.end and end - progress.judged_to < EVERY_US:
        return Verdict(progress)
    judged = replace(progress, judged_to=min(end, max(window.complete, progress.judged_to)))
    if case.cools:
        return Verdict(progress)
    spent = await find_spent(case.deps, case.project_id, rule, case.tree("llm"), Range(span.start, end - 1))
    judged, over = spent_now(judged, rule.usd or 0.0, span, spent)
    if not over:
        return Verdict(judged)
    return Verdict(judged, _alert(case, Range(span.start, end), span, spent, over, incomplete=end > window.complete))


def _alert(
    case: Case, range: Range, span: Span, spent: Mapping[str, float], over: Sequence[str], *, incomplete: bool
) -> Alert:
    rule = case.rule
    if rule.each:
        named = ", ".join(f"{key} ${spent[key]:,.2f}" for key in over[:10])
        what = f"the budget of ${rule.usd:,.2f} is spent by {named}"
    else:
        what = f"${spent['']:,.2f} of ${rule.usd:,.2f} are spent"
    return Alert(
        title=f"{rule.name}: {what} in {span.name}",
        text=f"Calls to models, {span.name} (UTC): {what}."
        + (f" {len(over) - 10:,} more have spent theirs." if len(over) > 10 else ""),
        path=page(case.project_id, "llm", range, case.tree("llm")),
        at=format_time(case.now),
        start=format_time(range.start),
        end=format_time(range.end),
        incomplete=incomplete,
    )
