"""What is asked, and how long a reader may wait for it. A new question is one more line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from deploy.bench.reading.data.logs import COMMON_WORD, RARE_WORD
from deploy.bench.reading.data.week import WEEK_US, Week
from gateway.query.times import format_time

DAY, WEEK = 24, 7 * 24
"""Hours before the end of the data."""
STEP, ALL = "1", "10000000"
"""Budgets of a search: one step, and as many rows as a request may search."""

_PROJECT = "/api/v1/projects/{project}"
_PAGE = "/p/{project}"


@dataclass(frozen=True)
class Question:
    """`path` (below the project, unless it begins with /api or /p) and the values of `parameters` may name what `Known`
    holds. `hours`: of the range; None where there is none."""

    name: str
    path: str
    hours: int | None
    goal_ms: float | None
    """What 95 % of the answers should not take longer than; None: only shown."""
    parameters: Mapping[str, str]
    to_end: bool = False
    """Whether all pages are asked for, one after the other."""

    @property
    def is_page(self) -> bool:
        """Whether it is what people look at, HTML."""
        return self.path.startswith("/p/")

    def target(self, week: Week, known: Mapping[str, str]) -> str:
        """Path and query of the request."""
        path = self.path if self.path.startswith(("/api/", "/p/")) else _PROJECT + self.path
        parameters = {name: value.format_map(known) for name, value in self.parameters.items()}
        if self.hours is not None:
            start = week.end - WEEK_US * self.hours // WEEK
            parameters |= {"start_time": format_time(start), "end_time": format_time(week.end)}
        return f"{quote(path.format_map(known))}?{urlencode(parameters)}"


def _ask(name: str, path: str, hours: int | None, goal_ms: float | None, **parameters: str) -> Question:
    return Question(name, path, hours, goal_ms, parameters)


def _to_end(name: str, path: str, hours: int, goal_ms: float | None, **parameters: str) -> Question:
    return Question(name, path, hours, goal_ms, parameters, to_end=True)


_COMMON_ATTRIBUTE, _RARE_ATTRIBUTE = "attr.http.status_code:>=500", "attr.order_id:424242"
_ONE_USER = "user:u_42"

QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "logs, a page of 100": (
        _ask("24 h", "/logs", DAY, 50, budget=ALL),
        _ask("7 d", "/logs", WEEK, 50, budget=ALL),
        _ask("24 h, of a state (as_of)", "/logs", DAY, 50, budget=ALL, as_of="{as_of}"),
        _ask("24 h, level and service", "/logs", DAY, 50, budget=ALL, q="level:error service:api"),
        _ask("24 h, common word", "/logs", DAY, 50, budget=ALL, q=COMMON_WORD),
        _ask("7 d, common word", "/logs", WEEK, 50, budget=ALL, q=COMMON_WORD),
        _ask("7 d, common attribute", "/logs", WEEK, 50, budget=ALL, q=_COMMON_ATTRIBUTE),
    ),
    "logs, a search in steps": (
        _ask("one step, rare word", "/logs", WEEK, 100, budget=STEP, q=RARE_WORD),
        _ask("one step, rare attribute", "/logs", WEEK, 100, budget=STEP, q=_RARE_ATTRIBUTE),
        _ask("one step, one user", "/logs", WEEK, 100, budget=STEP, q=_ONE_USER),
        _to_end("24 h, rare word, to the end", "/logs", DAY, None, budget=ALL, q=RARE_WORD),
        _to_end("24 h, rare attribute, to the end", "/logs", DAY, None, budget=ALL, q=_RARE_ATTRIBUTE),
        _to_end("7 d, rare word, to the end", "/logs", WEEK, 1200, budget=ALL, q=RARE_WORD),
        _to_end("7 d, rare attribute, to the end", "/logs", WEEK, None, budget=ALL, q=_RARE_ATTRIBUTE),
        _to_end("7 d, one user, to the end", "/logs", WEEK, None, budget=ALL, q=_ONE_USER, limit="1000"),
    ),
    "logs, a page and the total": (
        _ask("24 h", "/logs", DAY, None),
        _ask("7 d", "/logs", WEEK, None),
        _ask("24 h, common word", "/logs", DAY, None, q=COMMON_WORD),
        _ask("7 d, rare word", "/logs", WEEK, None, q=RARE_WORD),
        _ask("24 h, rare attribute", "/logs", DAY, None, q=_RARE_ATTRIBUTE),
    ),
    "logs, one and its context": (
        _ask("one", "/logs/{log}", None, 50),
        _ask("context, same service", "/logs/{log}/context", None, 50, by="service"),
        _ask("context, same trace", "/logs/{log}/context", None, 50, by="trace"),
    ),
    "logs, volume and facets": (
        _ask("24 h", "/logs/volume", DAY, 100),
        _ask("7 d", "/logs/volume", WEEK, 100),
        _ask("7 d, level and service", "/logs/volume", WEEK, 100, q="level:>=warn service:api"),
        _ask("24 h, common word", "/logs/volume", DAY, 100, q=COMMON_WORD),
        _ask("facets, 24 h", "/logs/facets", DAY, 100),
        _ask("facets, 7 d", "/logs/facets", WEEK, 100),
        _ask("facets, 24 h, common word", "/logs/facets", DAY, 100, q=COMMON_WORD),
        _ask("fields, 24 h", "/logs/fields", DAY, 100),
    ),
    "logs, patterns": (
        _ask("24 h", "/logs/patterns", DAY, 150),
        _ask("7 d", "/logs/patterns", WEEK, 150),
        _ask("7 d, level and service", "/logs/patterns", WEEK, None, q="level:>=warn service:api"),
        _ask("changes, 24 h", "/logs/changes", DAY, 150),
        _ask("compare, 24 h", "/logs/compare", DAY, 150, q="level:error", against="level:info"),
    ),
    "errors": (
        _ask("groups, 24 h", "/errors", DAY, 100),
        _ask("groups, 7 d", "/errors", WEEK, 200),
        _ask("groups, 24 h, by users", "/errors", DAY, 100, sort="users"),
        _ask("groups, 7 d, by trend", "/errors", WEEK, 200, sort="trend"),
        _ask("groups, 7 d, words", "/errors", WEEK, 200, q="Cannot read"),
        _ask("one group, 24 h", "/errors/{fingerprint}", DAY, 100),
        _ask("one group, 7 d", "/errors/{fingerprint}", WEEK, 200),
        _ask("its events, 7 d", "/errors/{fingerprint}/events", WEEK, 200, limit="20"),
        _ask("one event", "/api/v1/events/{event}", None, 100),
        _ask("one event's logs", "/api/v1/events/{event}/logs", None, 100),
    ),
    "traces": (
        _ask("list, 24 h", "/traces", DAY, 150),
        _ask("list, 7 d", "/traces", WEEK, 150),
        _ask("list, 24 h, slowest", "/traces", DAY, 150, sort="duration"),
        _ask("list, 7 d, slowest", "/traces", WEEK, 150, sort="duration"),
        _ask("list, 24 h, most errors", "/traces", DAY, None, sort="errors"),
        _ask("one, 12 spans", "/traces/{trace}", None, 50, at="{middle}"),
        _ask("one, 1,000 spans", "/traces/{wide_trace}", None, 50, at="{middle}"),
        _ask("one, 1,000 spans, no time given", "/traces/{wide_trace}", None, None),
    ),
    "models": (
        _ask("usage, 24 h, by model", "/llm/usage", DAY, 150, group_by="model"),
        _ask("usage, 7 d, by model", "/llm/usage", WEEK, 150, group_by="model"),
        _ask("usage, 7 d, by attribute", "/llm/usage", WEEK, 150, group_by="attr.feature", bucket="day"),
        _ask("calls, 7 d, dearest", "/llm/calls", WEEK, 150, sort="cost"),
    ),
    "usage and delivery": (
        _ask("usage, 7 d, by day", "/usage", WEEK, 150, bucket="day"),
        _ask("delivery", "/delivery", None, 150),
    ),
    "pages": (
        _ask("Logs, 24 h", _PAGE + "/logs", DAY, 150),
        _ask("Logs, 7 d", _PAGE + "/logs", WEEK, 150),
        _ask("Logs, 24 h, common word", _PAGE + "/logs", DAY, 150, q=COMMON_WORD),
        _ask("Logs, patterns, 24 h", _PAGE + "/logs/patterns", DAY, 150),
        _ask("one log", _PAGE + "/logs/{log}", DAY, 150),
        _ask("Errors, 24 h", _PAGE + "/errors", DAY, 150),
        _ask("Errors, 7 d", _PAGE + "/errors", WEEK, 150),
        _ask("one error, 7 d", _PAGE + "/errors/{fingerprint}", WEEK, 150),
        _ask("Traces, 24 h", _PAGE + "/traces", DAY, 150),
        _ask("one trace, 12 spans", _PAGE + "/traces/{trace}", None, 150, at="{middle}"),
        _ask("one trace, 1,000 spans", _PAGE + "/traces/{wide_trace}", None, 150, at="{middle}"),
        _ask("LLM, 7 d", _PAGE + "/llm", WEEK, 150),
        _ask("Ingest, 24 h", _PAGE + "/ingest", DAY, 150),
    ),
}
"""Group -> its questions. The goals: (performance.md, "Reading")."""


def questions() -> Iterator[tuple[str, Question]]:
    """(group, question) of all."""
    return ((group, question) for group, asked in QUESTIONS.items() for question in asked)
