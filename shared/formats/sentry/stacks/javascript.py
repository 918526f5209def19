"""JavaScript as V8 prints it: what was caught first, its causes behind it; the innermost frame first."""

from shared.fingerprint.v2.headers import looks_like_an_error
from shared.formats.sentry.exceptions import Frame, Thrown

_NAMELESS = ("", "?", "<anonymous>")


def printed(thrown: Thrown) -> str:
    return "\n  [cause]: ".join(map(_one, thrown.all()))


def _one(thrown: Thrown) -> str:
    frames = thrown.frames[::-1]
    if len(frames) > 1 and _is_constructor(frames[0].function):
        del frames[0]
    return "\n".join([thrown.header or "Error", *map(_line, frames)])


def _is_constructor(function: str) -> bool:
    """Whether it is that of an error's own class, which Firefox and Safari have as a frame, and V8 has not."""
    return function[:1].isupper() and looks_like_an_error(function)


def _line(frame: Frame) -> str:
    place = _place(frame)
    function = "" if frame.function in _NAMELESS else frame.function
    if function.endswith(".?"):  # `Object.?`: what V8 prints is taken for no name
        function = f"{function[:-1]}<anonymous>"
    if not place:
        return f"    at {function or '<anonymous>'}"
    return f"    at {function} ({place})" if function else f"    at {place}"


def _place(frame: Frame) -> str:
    file = frame.file or frame.module
    numbers = (frame.line, frame.column) if frame.line is not None else ()
    return ":".join([file, *(str(number) for number in numbers if number is not None)]) if file else ""
