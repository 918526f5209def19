"""Events with very long stacks, as those of Python's RecursionError: over the limit by what is said beside each call
(sentry-rows.md, "Long stacks")."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from shared.formats.sentry.reading import array, fields

LARGEST: Final = 1_048_576
"""Bytes of the largest event that Sentry itself takes."""
WHOLE: Final = 25
"""Frames at either end of a stack that keep all."""

_STACKS = ("exception", "threads")
_BESIDE = frozenset({"vars", "pre_context", "post_context"})

_encode = msgspec.json.Encoder().encode


def shortened(event: msgspec.Raw) -> msgspec.Raw:
    """The event without variables and lines of source around all calls but those at the ends of its stacks, so that the
    text of the stack stays the same. One over `LARGEST` is returned as it is."""
    if len(bytes(event)) > LARGEST:
        return event
    for name in _STACKS:
        event = _within(event, name, _of_values)
    return event


def _of_values(sent: msgspec.Raw) -> msgspec.Raw:
    """Of `{"values": [...]}`, of a list, or of one."""
    if array(sent) is not None:
        return _of_list(sent)
    return _within(sent, "values", _of_list) if "values" in fields(sent) else _of_one(sent)


def _of_list(sent: msgspec.Raw) -> msgspec.Raw:
    listed = array(sent)
    return sent if listed is None else _raw(list(map(_of_one, listed)))


def _of_one(sent: msgspec.Raw) -> msgspec.Raw:
    return _within(sent, "stacktrace", lambda stack: _within(stack, "frames", _of_frames))


def _of_frames(sent: msgspec.Raw) -> msgspec.Raw:
    frames = array(sent) or []
    middle = frames[WHOLE:-WHOLE]
    return _raw([*frames[:WHOLE], *map(_bare, middle), *frames[-WHOLE:]]) if middle else sent


def _bare(sent: msgspec.Raw) -> msgspec.Raw:
    frame = fields(sent)
    return _raw({name: each for name, each in frame.items() if name not in _BESIDE}) if frame else sent


def _within(sent: msgspec.Raw, name: str, change: Callable[[msgspec.Raw], msgspec.Raw]) -> msgspec.Raw:
    """An object with one of its fields changed; anything else as it is."""
    every = fields(sent)
    return _raw(every | {name: change(every[name])}) if name in every else sent


def _raw(made: Any) -> msgspec.Raw:
    return msgspec.Raw(_encode(made))
