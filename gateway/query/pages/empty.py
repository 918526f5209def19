"""Nothing to show: why, and how to send the first of it (pages.md, "Empty states")."""

from typing import NamedTuple

from gateway.query.complete import Complete
from gateway.query.pages.view import View
from gateway.query.range import Range

MASK = "••••••••"

_WIDER = (("24h", "24 hours", 86_400), ("7d", "7 days", 604_800), ("30d", "30 days", 2_592_000))


class Empty(NamedTuple):
    """`what`: logs, errors. `filtered`: the query may be why. `arriving`: some of the range may still come, of what
    came after `up_to` (microseconds; None for unknown). `start`: of the range. `wider`: the same page over more time.
    `key`: of a key that sends, its first characters and a mask; '' for none."""

    what: str
    filtered: bool
    arriving: bool
    up_to: int | None
    start: int
    wider: list[tuple[str, str]]
    url: str
    key: str


async def empty(view: View, what: str, range: Range, complete: Complete, *, filtered: bool) -> Empty:
    wider = [
        (text, view.url(last=last, start_time=None, end_time=None, as_of=None))
        for last, text, seconds in _WIDER
        if range.seconds < seconds - 1
    ]
    arriving = complete.up_to is not None and complete.up_to < range.end
    prefix = "" if filtered else await view.deps.known_people.sessions.sending_key(view.project.project_id)
    return Empty(what, filtered, arriving, complete.up_to, range.start, wider, view.base_url, prefix and prefix + MASK)
