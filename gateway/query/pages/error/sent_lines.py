"""The lines of the source that a client sent with its frames, as Sentry's SDKs do (pages.md, "One error")."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

MOST_FRAMES = 5_000
MOST_LINES = 5
"""Before the line of a frame, and after it."""
MAX_LINE = 300
"""Characters."""

Place = tuple[str | None, int | None]
"""File and line, as the stack names them."""


class SentLines(NamedTuple):
    """As `Mapped` has them."""

    line: int
    context_line: str
    before: list[str]
    after: list[str]


def sent_lines(attributes: Any) -> Mapping[Place, SentLines]:
    """The lines around each place in the stacks of an event."""
    found: dict[Place, SentLines] = {}
    for frame in islice(_frames(attributes), MOST_FRAMES):
        file = next(filter(None, (_text(frame.get(name)) for name in ("abs_path", "filename", "module"))), None)
        line, text = frame.get("lineno"), frame.get("context_line")
        if isinstance(line, int) and line > 0 and isinstance(text, str):
            before, after = _texts(frame.get("pre_context")), _texts(frame.get("post_context"))
            first = max(0, len(before) - min(MOST_LINES, line - 1))
            found.setdefault((file, line), SentLines(line, text[:MAX_LINE], before[first:], after[:MOST_LINES]))
    return found


def _frames(attributes: Any) -> Iterator[Mapping[str, Any]]:
    event = _object(attributes)
    for holder in (*_values(event.get("exception")), event, *_values(event.get("threads"))):
        frames = _object(_object(holder).get("stacktrace")).get("frames")
        yield from filter(None, map(_object, frames if isinstance(frames, list) else ()))


def _values(sent: Any) -> list[Any]:
    found = sent.get("values", [sent]) if isinstance(sent, dict) else sent
    return found if isinstance(found, list) else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [_text(each)[:MAX_LINE] for each in value[:100]] if isinstance(value, list) else []
