"""The logs before and after one (reading.md, "The logs around one")."""

from typing import Annotated, Literal, get_args

import msgspec

from gateway.query.as_of import parse_as_of
from gateway.query.asked import Asked
from gateway.query.language.parameter import parse_q
from gateway.query.logs.at import LogAt, find_at, place_in_path, range_around
from gateway.query.logs.columns import INCLUDABLE, KEYS, REF, schema_of_log
from gateway.query.logs.counts import counts_of
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.outward import REACH_US, Nearby, look_outward
from gateway.query.parameters import Parameters
from gateway.query.place import Place
from gateway.query.question import Question, RangeShown
from gateway.query.reader import Reader
from gateway.query.refusals import LogNotFound
from gateway.query.stored import text_of
from gateway.query.times import format_time
from gateway.query.together import together

By = Literal["service", "trace", "request", "user", "all"]

MOST = 500

_COLUMNS = {
    "service": ("service",),
    "trace": ("trace_id",),
    "request": ("request_id",),
    "user": ("user_id", "user_email"),
}
"""What logs must have in common; of several columns the first one that the log has."""

_NEEDED = tuple(name for names in _COLUMNS.values() for name in names)

_KEYS = (*KEYS, REF)
_INCLUDABLE = tuple(name for name in INCLUDABLE if name != REF)

NearbyLog = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema=schema_of_log(_KEYS, _INCLUDABLE))]


class Context(msgspec.Struct, frozen=True):
    """`value`: what the logs have in common; null for nothing. `searched`: from where to where it was looked. All lists
    together are in the order of time: `before` ends with the log next to `log`, `after` begins with it."""

    by: By
    value: str | None
    searched: RangeShown
    before: list[NearbyLog]
    log: NearbyLog
    after: list[NearbyLog]


class ContextQuery(msgspec.Struct, frozen=True):
    """`place`: None where the path names none."""

    asked: Asked
    place: Place | None
    by: By
    before: int
    after: int
    include: tuple[str, ...]


def parse_context(given: Parameters) -> ContextQuery:
    """Raises `BadQuery`."""
    q, place = parse_q(given, LANGUAGE), place_in_path(given)
    asked = Asked(range_around(place, REACH_US), q.tree, q.told, parse_as_of(given), (LANGUAGE.table,))
    query = ContextQuery(
        asked=asked,
        place=place,
        by=given.choice("by", get_args(By), "service"),
        before=given.integer("before", 50, least=0, most=MOST),
        after=given.integer("after", 50, least=0, most=MOST),
        include=tuple(given.words("include", _INCLUDABLE)),
    )
    given.finish()
    return query


async def find_context(reader: Reader, project_id: str, query: ContextQuery) -> Context:
    """Raises `LogNotFound`, `TooBig`, `Unavailable`."""
    if query.place is None:
        raise LogNotFound
    names = (*_KEYS, *query.include)
    log, counts = await together(
        find_at(reader, project_id, query.place, names, _NEEDED), counts_of(reader, project_id, query.asked.range)
    )
    column, value = _in_common(query.by, log)

    async def look(limit: int, *, older: bool) -> Nearby:
        if not limit or (not value and query.by not in ("service", "all")):
            return Nearby([], log.place.timestamp)
        equal = ((column, value),) if column else ()
        asked = LogQuery(equal=equal, q=query.asked.q, as_of=query.asked.as_of, limit=limit)
        return await look_outward(reader, asked, names, log.place, counts, project_id=project_id, older=older)

    before, after = await together(look(query.before, older=True), look(query.after, older=False))
    return Context(
        by=query.by,
        value=value or None,
        searched=RangeShown(format_time(before.to), format_time(after.to)),
        before=[msgspec.Raw(each) for each in reversed(before.logs)],
        log=log.shown,
        after=[msgspec.Raw(each) for each in after.logs],
    )


def _in_common(by: By, log: LogAt) -> tuple[str, str]:
    """The column by which neighbours are found, and this log's value in it."""
    columns = _COLUMNS.get(by, ())
    found = [(column, text_of(log.values[column])) for column in columns]
    return next((pair for pair in found if pair[1]), found[0] if found else ("", ""))


CONTEXT = Question(
    f"/logs/{{{REF}}}/context",
    "The logs around a log",
    parse_context,
    find_context,
    Context,
    {
        "q": "Only neighbours that this query finds.",
        "by": "What the neighbours have in common with the log; `user` is its user's id, else address.",
        "before": "How many that come before it at most.",
        "after": "How many that come after it at most.",
        "include": "Further columns that each log is to have.",
    },
    LogNotFound(),
)
