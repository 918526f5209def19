"""The stack of an error for its page: own frames open, others folded, each with its place in the sources or why not
(pages.md, "One error")."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from gateway.mapping.answers import Mapped, Unmapped
from gateway.query.events.chain import JAVASCRIPT, ShownError, ShownFrame
from gateway.query.pages.error.sent_lines import Place, SentLines

MOST_FRAMES = 100
"""Of each error of a chain."""

MOST_OPEN = 5
"""Own frames that are open from the beginning; the others are unfolded by a click."""

MOST_UNFOLDED = 20
"""Own frames that stand alone; those after them are folded together."""

MOST_ORIGINS = 3

_NEED_NO_MAP = {
    "not_javascript": "",
    "runtime": "of the runtime",
    "is_source": "the source itself",
    "no_position": "without position",
    "too_many_frames": "not looked up",
}
"""Why a frame is not mapped though no map is missing -> the word for it."""

_ORIGIN = re.compile(
    r"(?:node_modules|site-packages|dist-packages|vendor|gems)/((?:@[^/]{1,80}/)?[^/]{1,80})|(node:\w+)"
)


_LANGUAGES = {"javascript": "JavaScript", "dotnet": ".NET", "jvm": "JVM", "php": "PHP"}
"""What isn't written as its name with a capital."""


class SourceLine(NamedTuple):
    """`css`: of the line that is named."""

    number: int
    text: str
    css: str


class Call(NamedTuple):
    """`label`: mapped, or a word for why not; `css`: of it. `why`: the whole sentence; '' for none."""

    function: str
    where: str
    label: str
    css: str
    why: str
    lines: list[SourceLine]
    is_open: bool


class Calls(NamedTuple):
    """Calls one after the other. `is_folded`: whether they are out of sight at first; `origins`: whose they are, where
    they are not the application's own."""

    is_own: bool
    is_folded: bool
    calls: list[Call]
    origins: str


class Thrown(NamedTuple):
    """One error of a chain. `left`: calls that are not shown."""

    title: str
    runs: list[Calls]
    left: int


class Stack(NamedTuple):
    """`language`: '' for none that is known. `has_maps`: whether its frames can be mapped at all. `sent`: the text as
    it came. `inside`: the first error, where it is one that a group of errors held, which follows; '' otherwise."""

    language: str
    has_maps: bool
    errors: list[Thrown]
    sent: str
    inside: str = ""

    @property
    def is_read(self) -> bool:
        """Whether there is a frame."""
        return any(error.runs for error in self.errors)


def stack_of(
    language: str,
    errors: Sequence[ShownError],
    sent: str,
    *,
    kind: str = "",
    lines: Mapping[Place, SentLines] | None = None,
) -> Stack:
    """`errors`: the one that was caught first, then its causes; of a group, what decides is before it. `kind`: the type
    of what was caught. `lines`: those that the client sent, for frames without a source map."""
    thrown = [_thrown(error, lines or {}, is_first=n == 0) for n, error in enumerate(errors)]
    name = _LANGUAGES.get(language, language.capitalize())
    is_inside = errors[0].type != kind and any(error.type == kind for error in errors[1:])
    inside = thrown[0].title if is_inside else ""
    return Stack("" if language == "none" else name, language == JAVASCRIPT, thrown, sent, inside)


def _thrown(error: ShownError, lines: Mapping[Place, SentLines], *, is_first: bool) -> Thrown:
    frames = error.frames[:MOST_FRAMES]
    title = f"{error.type}: {error.message}" if error.type and error.message else error.type or error.message or ""
    return Thrown(title, list(_runs(frames, lines, is_first=is_first)), len(error.frames) - len(frames))


def _runs(frames: Sequence[ShownFrame], lines: Mapping[Place, SentLines], *, is_first: bool) -> Iterator[Calls]:
    """Where nothing is known to be own, all of it is taken for own."""
    has_own = any(map(is_own, frames))
    owned = [is_own(frame) or not has_own for frame in frames]
    own_before = [0, *accumulate(owned)]
    for (own, is_folded), run in groupby(
        range(len(frames)), lambda n: (owned[n], not owned[n] or own_before[n] >= MOST_UNFOLDED)
    ):
        calls = [
            _call(
                frames[n],
                {} if is_folded else lines,
                hit=is_first and own and own_before[n] == 0,
                is_open=own and own_before[n] < MOST_OPEN,
            )
            for n in run
        ]
        yield Calls(own, is_folded and len(calls) > 1, calls, "" if own else _origins(calls))


def is_own(frame: ShownFrame) -> bool:
    return frame.mapped.in_app if isinstance(frame.mapped, Mapped) else frame.in_app


def _call(frame: ShownFrame, lines: Mapping[Place, SentLines], *, hit: bool, is_open: bool) -> Call:
    place = frame.mapped
    line_css = "hit" if hit else "at"
    if isinstance(place, Mapped):
        function, where = place.function or frame.function, f"{place.source}:{place.line}"
        return Call(function or "anonymous", where, "mapped", "", "", _lines(place, line_css), is_open)
    where = ":".join(str(part) for part in (frame.file, frame.line, frame.column) if part)
    label, css = _label(place)
    why = place.reason if label else ""
    sent = lines.get((frame.file, frame.line))
    shown = _lines(sent, line_css) if sent else []
    return Call(frame.function or "anonymous", where, label, css, why, shown, is_open and bool(css or shown))


def _label(place: Unmapped) -> tuple[str, str]:
    word = _NEED_NO_MAP.get(place.status)
    return ("not mapped", "amb") if word is None else (word, "")


def _lines(place: Mapped | SentLines, css: str) -> list[SourceLine]:
    if not (place.context_line or place.before or place.after):
        return []
    first = place.line - len(place.before)
    texts = [*place.before, place.context_line, *place.after]
    return [SourceLine(first + n, text, css if first + n == place.line else "") for n, text in enumerate(texts)]


def _origins(calls: Sequence[Call]) -> str:
    names = dict.fromkeys(filter(None, map(_origin, (call.where for call in calls))))
    shown = list(names)[:MOST_ORIGINS]
    return ", ".join(shown) + (", …" if len(names) > MOST_ORIGINS else "")


def _origin(where: str) -> str:
    found = _ORIGIN.findall(where[:1_000])
    return (found[-1][0] or found[-1][1]) if found else ""
