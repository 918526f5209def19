"""An exception as clients send it -> type, message and the text of its stack."""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import msgspec

from shared.formats.proliferate import PHP

Stack = str | list[msgspec.Raw] | dict[str, msgspec.Raw]
"""The text that the runtime printed, a list of frames, or an object with `frames`."""


class SentException(msgspec.Struct, gc=False):
    """The `exception` of an error: 0.1.0 sends message and stack, 0.2.2 value, stacktrace and mechanism, and who knows
    Sentry a chain of such objects in `values`, the cause first."""

    type: str | None = None
    value: str | None = None
    message: str | None = None
    stack: Stack | None = None
    stacktrace: Stack | None = None
    mechanism: Annotated[dict[str, msgspec.Raw] | None, PHP] = None
    values: Any = None


class Thrown(NamedTuple):
    """What is stored of an exception; '' for what was not sent."""

    type: str = ""
    message: str = ""
    stack: str = ""
    mechanism: msgspec.Raw | None = None
    whole: msgspec.Raw | None = None
    """All that was sent, where the fields above don't hold what it says."""

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
_KNOWN = frozenset({*_TEXTS, "mechanism"})

_encode = msgspec.json.Encoder().encode


def thrown(sent: msgspec.Raw) -> Thrown:
    """What is stored of an exception that the gateway has checked: a `SentException`, null or absent."""
    # Not decoded as a `SentException`: of equal keys only the last one was checked.
    fields = (_fields(sent) if bytes(sent) else None) or {}
    if chain := _chain(fields.get("values")):
        return _of_chain(chain, sent)
    value = {name: _decode(raw) for name, raw in fields.items() if name in _TEXTS}
    message = value.get("message") if value.get("value") is None else value["value"]
    stack = value.get("stacktrace") if value.get("stack") is None else value["stack"]
    mechanism = fields.get("mechanism")
    return Thrown(
        type=value.get("type") or "",
        message=message or "",
        stack=_text(stack, _header(value.get("type"), message)),
        mechanism=mechanism if mechanism is not None and bytes(mechanism).startswith(b"{") else None,
        whole=sent if fields and _KNOWN.isdisjoint(fields) else None,
    )


def _chain(values: msgspec.Raw | None) -> list[dict[str, Any]]:
    """The exceptions in Sentry's `values`; [] if there are none."""
    found = None if values is None else _decode(values)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _of_chain(chain: list[dict[str, Any]], sent: msgspec.Raw) -> Thrown:
    """The last one with a type or a value is what was thrown; those before it are its causes."""
    last = max((n for n, each in enumerate(chain) if _said(each, "type") or _said(each, "value")), default=-1)
    main = chain[last]
    mechanism = main.get("mechanism")
    texts = [_of_one(each) for each in reversed(chain[: last % len(chain) + 1])]
    return Thrown(
        type=_said(main, "type"),
        message=_said(main, "value"),
        stack="\n  [cause]: ".join(texts) if any("\n" in text for text in texts) else "",
        mechanism=msgspec.Raw(_encode(mechanism)) if isinstance(mechanism, dict) else None,
        whole=sent,
    )


def _of_one(value: dict[str, Any]) -> str:
    """One exception of a chain as V8 prints it: Sentry's frames are the other way round."""
    header, stack = _header(_said(value, "type"), _said(value, "value")), value.get("stacktrace")
    frames = stack.get("frames") if isinstance(stack, dict) else None
    return _text(frames[::-1] if isinstance(frames, list) else None, header) or header


def _said(value: dict[str, Any], name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""


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
