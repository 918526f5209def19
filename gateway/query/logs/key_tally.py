"""What the attributes of logs hold, key by key, as a filter would find it (reading.md, "Values of attributes")."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isinf
from typing import Any

import msgspec

MOST_KEYS = 500
"""Keys that are told of. Further ones are left out."""

MAX_KEY = 256
"""Characters of a key, and how deep it may lie. What is beyond it is left out."""
MAX_DEPTH = 10

EXAMPLES = 5
MAX_EXAMPLE = 100
"""Characters."""

_KINDS: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Key:
    """A key's values. `types`: type -> how many there are."""

    def __init__(self) -> None:
        self.types: Counter[str] = Counter()
        self._scalars: dict[str, dict[Any, None]] = {}

    def add(self, values: Sequence[Any]) -> None:
        kinds = dict.fromkeys(_KINDS[each] for each in dict.fromkeys(map(type, values)))
        for kind in kinds:
            of_kind = values if len(kinds) == 1 else [value for value in values if _KINDS[type(value)] == kind]
            self.types[kind] += len(of_kind)
            if kind not in ("object", "array"):
                self._scalars.setdefault(kind, {}).update(dict.fromkeys(of_kind))

    @property
    def distinct(self) -> int:
        """How many scalars there are; equal numbers are one."""
        return sum(map(len, self._scalars.values()))

    @property
    def examples(self) -> list[str]:
        """The newest distinct scalars of each type, as a filter has them."""
        first = [value for values in self._scalars.values() for value, _ in zip(values, range(EXAMPLES), strict=False)]
        return [_text(value)[:MAX_EXAMPLE] for value in first[:EXAMPLES]]


class KeyTally:
    """Counts the attributes of logs, the newest first. Rows that are not JSON objects have no keys."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.left_out = False

    def add(self, texts: Iterable[str]) -> None:
        """Key by key: a call for each value would cost more than to read the JSON."""
        values: defaultdict[str, list[Any]] = defaultdict(list)
        for text in texts:
            for name, value in found_in(text).items():
                values[name].append(value)
        for name, those in values.items():
            if name not in self.keys and len(self.keys) >= MOST_KEYS:
                self.left_out = True
                continue
            self.keys.setdefault(name, Key()).add(those)


def found_in(text: str) -> dict[str, Any]:
    """Each key that a filter can name -> the value that it looks at: of a literal key before that of a dotted path."""
    attributes = _read(text)
    found: dict[str, Any] = {}
    if isinstance(attributes, dict):
        _add_paths(found, "", attributes, MAX_DEPTH)
        for key, value in attributes.items():
            if "." in key and len(key) <= MAX_KEY:
                found[key] = value
    if None in found.values() or "" in found:
        return {key: value for key, value in found.items() if value is not None and key}
    return found


def _add_paths(found: dict[str, Any], above: str, members: Mapping[str, Any], depth: int) -> None:
    """No path leads to a key that holds a dot."""
    for key, value in members.items():
        path = above + key if above else key
        if "." not in key and len(path) <= MAX_KEY:
            found[path] = value
            if depth > 1 and type(value) is dict:
                _add_paths(found, path + ".", value, depth - 1)


def _read(text: str) -> Any:
    """JSON as filters read it: a number that no double holds is a text, lone surrogates are left out."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    try:
        plain = json.loads(text, parse_int=_number, parse_float=_number)
        return _decode(json.dumps(plain, ensure_ascii=False).encode(errors="ignore"))
    except (ValueError, RecursionError):
        return None


def _number(token: str) -> int | float | str:
    number = float(token)
    if isinf(number):
        return token
    return number if set(token) & set(".eE") else int(token)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()
