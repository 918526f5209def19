"""The options of these commands, and their values as parameters of a question."""

import re
from collections.abc import Mapping
from typing import Annotated

import typer

from gateway.query.parameters import Parameters
from gateway.query.range import Range, parse_range
from gateway.query.refusals import BadQuery, Issue
from gateway.query.times import format_time

Query = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[QUERY]...",
        help="What to look for: level:>=warn service:checkout 'card declined'; behind -- it may begin with a -",
        show_default=False,
    ),
]
Last = Annotated[str | None, typer.Option("--last", metavar="SPAN", help="How long back from --end: 15m, 1h, 7d")]
Start = Annotated[str | None, typer.Option("--start", metavar="TIME", help="Not before: 2026-01-15T10:30:00Z, in UTC")]
End = Annotated[str | None, typer.Option("--end", metavar="TIME", help="Not after; left out: now")]
Project = Annotated[
    str | None,
    typer.Option("--project", metavar="ID", envvar="SLUICE_PROJECT_ID", help="Left out: the only one there is"),
]
Wide = Annotated[bool, typer.Option("--wide", help="Whole texts, also where they take more than a line")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: an object a line, as the API has it")]

_OPTIONS = {"start_time": "--start", "end_time": "--end", "last": "--last", "q": "the query"}
"""Parameters that are not called as the options are."""


def text_of(query: list[str] | None) -> str:
    return " ".join(query or ())


def range_of(start: str | None, end: str | None, last: str | None, usual: str, now: int) -> Range:
    """The range that the options name. `usual`: how long back where none does; `now`: microseconds. Raises
    `BadQuery`."""
    if last is None and start is None:
        last = usual
    given = Parameters([("start_time", start or ""), ("end_time", end or ""), ("last", last or "")])
    range = parse_range(given, now)
    given.finish()
    return range


def parameters(range: Range, path: Mapping[str, str] | None = None, **given: str) -> Parameters:
    """A question about the range, with these parameters and parts of its path."""
    ends = [("start_time", format_time(range.start)), ("end_time", format_time(range.end))]
    return Parameters([*ends, *given.items()], path)


def sentence_of(refusal: BadQuery) -> str:
    """What was wrong with the options."""
    return "; ".join(map(_sentence, refusal.issues))


def _sentence(issue: Issue) -> str:
    name = issue["loc"][-1]
    message = re.sub(r"\bstart_time\b|\bend_time\b|\blast\b", lambda found: _OPTIONS[found[0]], issue["msg"])
    return f"{_OPTIONS.get(name, f'--{name}')}: {message.removeprefix('Value error, ')}"
