"""Addresses of pages, without the host, and the words of alerts."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from gateway.query.language import EVERYTHING, Node, render
from gateway.query.range import Range
from gateway.query.times import format_time

PAGES: Mapping[str, str] = {"logs": "logs", "errors": "errors", "traces": "traces", "llm": "llm"}


def page(project_id: str, path: str, range: Range | None = None, tree: Node = EVERYTHING) -> str:
    ends = {} if range is None else {"start_time": format_time(range.start), "end_time": format_time(range.end)}
    values = {"q": render(tree), **ends} if tree != EVERYTHING else ends
    return f"/p/{quote(project_id, safe='')}/{path}" + (f"?{urlencode(values)}" if values else "")


def number(n: int, one: str, many: str) -> str:
    """`1 error`, `1,200 errors`."""
    return f"{n:,} {one if n == 1 else many}"


def minutes(n: int) -> str:
    return number(n, "minute", "minutes")
