"""Which parts of an error say what it is (grouping.md, "Version 2").

The frames of the application say where, the type and the plain words of the message what. Where a build took the names
of the functions, or no frame is the application's own, the whole message counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from shared.fingerprint.v2.classes import class_of
from shared.fingerprint.v2.headers import split_message
from shared.fingerprint.v2.messages import normalised, words
from shared.fingerprint.v2.model import Frame, Language, Parts, Reading, Thrown

FRAMES: Final = 2
"""Enough to tell the callers of a helper apart; the more, the sooner a refactoring splits a group."""
TYPES: Final = 4

_NOTHING: Final = Thrown("", "", ())
_SAME_TYPE: Final = {"InternalError": "RangeError"}
_COMMON_CODES: Final = frozenset({"ERR_ASSERTION"})


def chosen(language: Language, errors: list[Thrown], message: str) -> Reading:
    """The parts of an error, and the rule that chose them."""
    main = errors[0] if errors else _NOTHING
    if main.type:
        message = message.removeprefix(f"{main.type}: ")
    said = split_message(message, needs_type=bool(errors) and not main.type)
    text = _best_message(said.message, main.message)
    group, its_type = class_of(text, language.classes)
    kind = main.type or said.type or its_type
    kind = _SAME_TYPE.get(kind, kind) or "Error"
    chain = chain_of(language, errors)
    own = own_frames(language, chain)
    where, frames = _where(own)
    code = "" if main.code in _COMMON_CODES else main.code or said.code
    cause = chain[-1].message if len(chain) > 1 and not frames else ""
    what, detail = _what(code or group, f"{text}: {cause}" if cause else text, where is _NAMED)
    types = list(dict.fromkeys([kind, *(each.type for each in chain[1:] if each.type)]))
    if detail and _in_page(own or frames_of(language, chain)):
        # Firefox and Safari print no type, so only one that the message says counts.
        types = [its_type] if its_type else []
    return Reading(language, kind, errors, text, f"{where}, {what}", Parts(types[:TYPES], frames, detail or None))


def _best_message(sent: str, printed: str) -> str:
    """The sent message, unless the stack says something else: a log's line may have been sent in its place."""
    return sent if not printed or (sent and (sent.startswith(printed) or printed.startswith(sent))) else printed


def chain_of(language: Language, errors: list[Thrown]) -> list[Thrown]:
    """The errors that count. Where only some printers show causes, they count only if the error has no own frame."""
    if language.always_prints_causes or len(errors) < 2:
        return errors
    return errors[:1] if own_frames(language, errors[:1]) else errors


def own_frames(language: Language, errors: Sequence[Thrown]) -> list[Frame]:
    """The application's frames, the cause's first; a recursion counts once."""
    found: list[Frame] = []
    seen: set[str] = set()
    named = 0
    for frame in frames_of(language, errors):
        if frame.own and frame.text not in seen:
            seen.add(frame.text)
            found.append(frame)
            named += bool(frame.function)
            if named == (1 if frame.in_browser else FRAMES):
                break
    return found


def frames_of(language: Language, errors: Sequence[Thrown]) -> Iterator[Frame]:
    for each in reversed(errors):
        for call in each.calls:
            if frame := language.frame(call):
                yield frame


def _in_page(frames: Iterable[Frame]) -> bool:
    return any(frame.in_browser for frame in frames)


_NAMED: Final = "the own frames"
_FILE: Final = "the file, as a build took the names"
_NOWHERE: Final = "no own frames"


def _where(own: list[Frame]) -> tuple[str, list[str]]:
    """(rule, frames)."""
    named = [frame for frame in own if frame.function]
    if not own:
        return _NOWHERE, []
    if named and not own[0].minified:
        return _NAMED, [frame.text for frame in named]
    # In a page a caller's name says little, and Safari leaves it out: `onClick`. On a server the outermost file is the
    # route's, while a module that several routes share is put into any of them.
    return _FILE, [(own[0] if own[0].in_browser else own[-1]).text]


def _what(group: str, text: str, has_frames: bool) -> tuple[str, str]:
    """(rule, message)."""
    if group:
        return "the class of the message", group
    return ("the plain words of the message", words(text)) if has_frames else ("the whole message", normalised(text))
