"""Templates as answers (pages.md, "Templates"). In HTML every value is escaped; a name that isn't there is an error."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import Response

from gateway.query.pages import markdown
from gateway.query.pages.assets import asset_path
from gateway.query.pages.durations import lasting
from gateway.query.pages.money import money
from gateway.query.pages.security import HEADERS
from gateway.query.pages.text import MAX_SHOWN, pieces, plain
from gateway.query.pages.times import clock, day, day_clock, exact, iso, minute, offset, seconds
from gateway.query.pages.zone import zone
from gateway.query.times import parse_time
from shared.formats.values import microseconds


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("gateway.query.pages"),
        autoescape=select_autoescape(disabled_extensions=[markdown.TEMPLATE], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"asset": asset_path, "pieces": pieces, "zone": zone}
    made.globals |= {"MAX_SHOWN": MAX_SHOWN, "MAX_LIST": markdown.MAX_LIST}
    filters: dict[str, Callable[..., Any]] = {
        "plain": plain,
        "fenced": markdown.fenced,
        "line": markdown.line,
        "without_type": lambda message, kind: message.removeprefix(f"{kind}: "),
        "moment": parse_time,
        "number": lambda number: f"{number:,}",
        "clock": clock,
        "offset": offset,
        "day": day,
        "day_clock": day_clock,
        "exact": exact,
        "iso": iso,
        "lasting": lasting,
        "minute": minute,
        "money": money,
        "seconds": seconds,
        "span": lambda s: lasting(round(s * 1_000_000)),
        "us": microseconds,
    }
    made.filters |= filters
    return made


templates = _environment()


class PageResponse(Response):
    """HTML with the headers of every page."""

    media_type = "text/html"
    charset = "utf-8"

    def __init__(self, content: bytes | str = b"", status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status, {**HEADERS, **(headers or {})})


class MarkdownResponse(PageResponse):
    """Said to be plain text: some browsers put Markdown into a file."""

    media_type = "text/plain"


def to(path: str) -> PageResponse:
    """Send the browser to another page of ours, with GET."""
    return PageResponse(status=303, headers={"Location": path})


async def render(template: str, status: int = 200, **values: Any) -> PageResponse:
    """Made on a thread: it takes time in proportion to stored text."""
    return PageResponse(await asyncio.to_thread(rendered, template, values), status)


async def render_markdown(template: str, **values: Any) -> MarkdownResponse:
    return MarkdownResponse(await asyncio.to_thread(rendered, template, values))


def rendered(template: str, values: Mapping[str, Any]) -> bytes:
    """To be called on a thread."""
    return templates.get_template(template).render(values).encode(errors="replace")
