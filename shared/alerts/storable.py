"""JSON of what is kept in Postgres (alerts.md, "A rule")."""

import re
from typing import Any

import msgspec

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(value: msgspec.Struct) -> str:
    """The JSON of a struct, as a `jsonb` takes it."""
    return msgspec.json.encode(_plain(msgspec.to_builtins(value))).decode()


def plain(text: str) -> str:
    """A text as it is kept: a `jsonb` refuses NUL and half a surrogate pair, and strangers send both."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [*map(_plain, value)] if isinstance(value, list | tuple) else value
