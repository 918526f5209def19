"""Nothing to show: why, and how to send the first of it (pages.md, "Empty states")."""

from typing import NamedTuple

from gateway.query.complete import Complete
from gateway.query.pages.view import View
from gateway.query.range import Range

MASK = "••••••••"

_SEND = {
    "logs": ("logs", '{"service":"shell","logs":[{"level":"info","message":"hello from curl"}]}'),
    "records": ("logs", '{"service":"shell","logs":[{"level":"info","message":"hello from curl"}]}'),
    "errors": ("errors", '{"service":"shell","error_message":"hello from curl","severity":"low"}'),
    "traces": (
        "traces",
        '{"service":"shell","trace_id":"t1","span_id":"s1","operation":"hello from curl","duration_ms":12,'
        '"start_time":"\'$(date -u +%FT%TZ)\'"}',
    ),
    "LLM calls": (
        "llm",
        '{"service":"shell","model":"m","provider":"p","operation":"chat","input_tokens":9,"output_tokens":3,'
        '"cost_usd":0.001,"latency_ms":420}',
    ),
}
"""What there is none of -> the end of the route that takes it, and what to send, between the quotes of a shell."""

_WIDER = (("24h", "24 hours", 86_400), ("7d", "7 days", 604_800), ("30d", "30 days", 2_592_000))


FIRST = _SEND["logs"]
"""What a new key may send first."""


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

    @property
    def path(self) -> str:
        return _SEND[self.what][0]

    @property
    def body(self) -> str:
        return _SEND[self.what][1]


async def empty(view: View, what: str, range: Range, complete: Complete, *, filtered: bool) -> Empty:
    wider = [
        (text, view.url(last=last, start_time=None, end_time=None, as_of=None))
        for last, text, seconds in _WIDER
        if range.seconds < seconds - 1
    ]
    arriving = complete.up_to is not None and complete.up_to < range.end
    prefix = "" if filtered else await view.deps.known_people.sessions.sending_key(view.project.project_id)
    return Empty(what, filtered, arriving, complete.up_to, range.start, wider, view.base_url, prefix and prefix + MASK)
