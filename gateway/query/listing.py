"""Answers that list rows, a page at a time, and the links between their pages (reading.md, "Pages")."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request

from gateway.query.range import Range
from gateway.query.times import format_time

LINK = {"Link": {"description": '`rel="next"` and `rel="prev"`: the pages beside it.', "schema": {"type": "string"}}}
"""In OpenAPI's words."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rows. `next`, `previous`: the `cursor` of the pages beside it; null where there is none."""

    next: str | None = None
    previous: str | None = None


def page_links(request: Request, listing: Listing, range: Range) -> dict[str, str]:
    """The header `Link`. The pages beside this one have its range, which may have been asked for as `last`."""
    fixed = {"start_time": format_time(range.start), "end_time": format_time(range.end)}
    found = [
        link_to(request, relation, fixed | {"cursor": cursor}, left_out=("last",))
        for relation, cursor in (("next", listing.next), ("prev", listing.previous))
        if cursor is not None
    ]
    return {"Link": ", ".join(found)} if found else {}


def link_to(request: Request, relation: str, changed: Mapping[str, str], left_out: tuple[str, ...] = ()) -> str:
    """A link to the same request with some parameters changed. It is relative, because proxies rename hosts."""
    items = request.query_params.multi_items()
    kept = [item for item in items if item[0] not in (*changed, *left_out)]
    return f'<{quote(request.scope["path"])}?{urlencode([*kept, *changed.items()])}>; rel="{relation}"'
