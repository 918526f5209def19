"""Which logs a request asks for: its parameters as a `LogQuery`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from gateway.query.as_of import AsOf, parse_as_of
from gateway.query.language import EVERYTHING, Node
from gateway.query.language.parameter import parse_q
from gateway.query.logs.columns import INCLUDABLE
from gateway.query.logs.fields import LANGUAGE
from gateway.query.parameters import Parameters
from gateway.query.place import Place, decode_place
from gateway.query.times import parse_time
from shared.formats.levels import LEVELS, level_of
from shared.formats.vercel_ids import without_regions

MAX_LIMIT = 1000
MAX_OFFSET = 100_000

MAX_BUDGET = 10_000_000
"""Most rows that a request may search through step by step: some twenty steps."""

MAX_ATTRIBUTES = 50
"""Most `attr.` parameters, and most parts of a dotted path: each is a term for ClickHouse to parse."""

EQUAL = (
    "trace_id",
    "request_id",
    "vercel_id",
    "service",
    "environment",
    "release",
    "user_id",
    "account_id",
    "logger_name",
    "template",
)
"""Columns that are compared with the parameter of the same name."""

_AS_STORED: Mapping[str, Callable[[str], str]] = {"vercel_id": without_regions}


@dataclass(frozen=True)
class LogQuery:
    """One page of logs. `start` and `end` are microseconds, both inclusive.

    `budget`: how many rows may be searched through. `hints`: what the writer of `q` may want to know.
    """

    levels: tuple[str, ...] = ()
    search: str | None = None
    start: int | None = None
    end: int | None = None
    equal: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    q: Node = EVERYTHING
    limit: int = 100
    offset: int = 0
    after: Place | None = None
    include: tuple[str, ...] = ()
    budget: int | None = None
    hints: tuple[str, ...] = ()
    as_of: AsOf | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether not every log of its range is asked for."""
        return bool(self.levels or self.search is not None or self.equal or self.attributes or self.q != EVERYTHING)


def parse_log_query(given: Parameters) -> LogQuery:
    """The page that a request asks for. Raises `BadQuery` naming every parameter that can't be used."""
    iso = ("datetime_from_date_parsing", "a valid datetime or date")
    query = replace(
        parse_filters(given),
        start=given.parsed("start_time", parse_time, *iso),
        end=given.parsed("end_time", lambda text: parse_time(text, whole_day=True), *iso),
        limit=given.integer("limit", 100, least=1, most=MAX_LIMIT),
        offset=given.integer("offset", 0, least=0, most=MAX_OFFSET),
        budget=given.integer("budget", None, least=1, most=MAX_BUDGET),
        after=given.parsed("cursor", decode_place, "value_error", "a valid cursor"),
        as_of=parse_as_of(given),
    )
    if query.start is not None and query.end is not None and query.start > query.end:
        late = given.text("start_time") or ""
        given.refuse("start_time", "value_error", "Value error, start_time is after end_time", late)
    for other, instead in (("cursor", query.after), ("budget", query.budget)):
        if instead is not None and query.offset:
            message = f"Value error, give offset or {other}, not both"
            given.refuse("offset", "value_error", message, str(query.offset))
    given.finish()
    return query


def parse_filters(given: Parameters) -> LogQuery:
    """Which logs a request asks for, whenever they are from. What can't be used becomes an issue of `given`."""
    q = parse_q(given, LANGUAGE)
    return LogQuery(
        levels=tuple(given.words("levels", LEVELS, _level)),
        search=given.text("search"),
        equal=tuple((name, _AS_STORED.get(name, str)(value)) for name in EQUAL if (value := given.text(name))),
        attributes=tuple(_attributes(given)),
        q=q.tree,
        hints=q.told,
        include=tuple(given.words("include", INCLUDABLE)),
    )


class Around(NamedTuple):
    """How the logs of an error are asked for: with which further columns, from which place on, in which state."""

    include: tuple[str, ...] = ()
    after: Place | None = None
    as_of: AsOf | None = None


def parse_around(given: Parameters) -> Around:
    """Raises `BadQuery`."""
    include = tuple(given.words("include", INCLUDABLE))
    after = given.parsed("cursor", decode_place, "value_error", "a valid cursor")
    around = Around(include, after, parse_as_of(given))
    given.finish()
    return around


def _attributes(given: Parameters) -> list[tuple[str, str]]:
    found = given.with_prefix("attr.")
    for n, (key, value) in enumerate(found):
        if n == MAX_ATTRIBUTES:
            message = f"Value error, give at most {MAX_ATTRIBUTES} attributes"
            given.refuse(f"attr.{key}", "value_error", message, value)
        if key.count(".") >= MAX_ATTRIBUTES:
            message = f"Value error, a path has at most {MAX_ATTRIBUTES} parts"
            given.refuse(f"attr.{key}", "value_error", message, value)
    return found


def _level(given: str) -> str:
    return level_of(given) or given
