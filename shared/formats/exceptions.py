"""An exception as clients send it -> type, message and the text of its stack."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

Stack = str | list[msgspec.Raw] | dict[str, msgspec.Raw]
"""The text that the runtime printed, a list of frames, or an object with `frames`."""


class SentException(msgspec.Struct, gc=False):
    """The `exception` of an error: 0.1.0 sends message and stack, 0.2.2 value, stacktrace and mechanism."""

    type: str | None = None
    value: str | None = None
    message: str | None = None
    stack: Stack | None = None
    stacktrace: Stack | None = None
    mechanism: dict[str, msgspec.Raw] | None = None


class Thrown(NamedTuple):
    """What is stored of an exception; '' for what was not sent."""

    type: str = ""
    message: str = ""
    stack: str = ""
    mechanism: msgspec.Raw | None = None

    @property
    def handled(self) -> bool:
        """Whether the client says that the program caught it."""
        return self.mechanism is not None and _decode(self.mechanism).get("handled") is True


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_decode = msgspec.json.Decoder(float_hook=float).decode
"""Accepts all that the gateway accepts: a number that no double holds becomes infinite."""

_NAMES = {
    "function": ("function", "name", "func"),
    "file": ("filename", "file", "abs_path", "module"),
    "line": ("lineno", "line", "line_number"),
    "column": ("colno", "column", "column_number"),
}
"""What clients call the parts of a frame; the first name present counts."""

_TEXTS = ("type", "value", "message", "stack", "stacktrace")


def thrown(sent: msgspec.Raw) -> Thrown:
    """What is stored of an exception that the gateway has checked: a `SentException`, null or absent."""
    # Not decoded as a `SentException`: of equal keys only the last one was checked.
    fields = (_fields(sent) if bytes(sent) else None) or {}
    value = {name: _decode(raw) for name, raw in fields.items() if name in _TEXTS}
    message = value.get("message") if value.get("value") is None else value["value"]
    stack = value.get("stacktrace") if value.get("stack") is None else value["stack"]
    mechanism = fields.get("mechanism")
    return Thrown(
        type=value.get("type") or "",
        message=message or "",
        stack=_text(stack, _header(value.get("type"), message)),
        mechanism=None if mechanism is None or bytes(mechanism) == b"null" else mechanism,
    )


def _header(*parts: str | None) -> str:
    return ": ".join(part for part in parts if part)


def _text(stack: Any, header: str) -> str:
    """The stack as people read it: a list of frames becomes lines under the error's header, in the order sent."""
    frames = stack.get("frames") if isinstance(stack, dict) else stack
    if not isinstance(frames, list):
        return frames if isinstance(frames, str) else ""
    lines = list(_lines(frames))
    return "\n".join([header or "Error", *lines]) if lines else ""


def _lines(frames: list[Any]) -> Iterator[str]:
    for frame in frames:
        if isinstance(frame, str):
            yield frame
        elif isinstance(frame, dict):
            yield _line(frame)


def _line(frame: dict[str, Any]) -> str:
    """One frame as V8 prints it."""
    part = {name: next((frame[key] for key in keys if frame.get(key)), None) for name, keys in _NAMES.items()}
    place = ":".join(str(part[name]) for name in ("file", "line", "column") if part[name] is not None)
    function = part["function"] or "<anonymous>"
    return f"    at {function} ({place})" if place else f"    at {function}"
