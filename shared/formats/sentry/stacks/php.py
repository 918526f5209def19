"""PHP: the cause first; the header says where it was thrown, a frame where its function was called."""

from itertools import pairwise

from shared.formats.sentry.exceptions import Frame, Thrown

_INTERNAL = "[internal function]"
_SENT_AS = ("", "[internal]", _INTERNAL)


def printed(thrown: Thrown) -> str:
    return "\n\nNext ".join(_one(each) for each in reversed(list(thrown.all())))


def _one(thrown: Thrown) -> str:
    calls = thrown.frames[::-1]
    if not calls:
        return thrown.header
    at = f" in {calls[0].file}:{calls[0].line or 0}" if calls[0].file not in _SENT_AS else ""
    lines = [  # Sentry has each function with the place in it, PHP with the place that called it
        f"#{number} {_place(caller)}: {_function(call)}()" for number, (call, caller) in enumerate(pairwise(calls))
    ]
    return "\n".join([f"{thrown.header or 'Exception'}{at}", "Stack trace:", *lines, f"#{len(lines)} {{main}}"])


def _place(frame: Frame) -> str:
    return _INTERNAL if frame.file in _SENT_AS else f"{frame.file}({frame.line or 0})"


def _function(frame: Frame) -> str:
    has_class = "::" in frame.function or "->" in frame.function
    function = frame.function or "{closure}"
    return f"{frame.module}->{function}" if frame.module and not has_class else function
