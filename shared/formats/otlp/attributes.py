"""Attributes, and how they become JSON text: pair by pair, since the same pairs come again and again
(performance.md, "Attributes come again")."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from shared.formats.otlp.values import json_bytes

Pair = tuple[str, bytes]
"""A key, and `"key":value` as JSON text."""

_decode = msgspec.json.Decoder().decode


class Attributes(msgspec.Struct, frozen=True, gc=False):
    """In the order sent; of equal keys the last value counts, in the place of the first."""

    keys: tuple[str, ...]
    pairs: tuple[bytes, ...]
    """The JSON text of each, its key before it."""

    def __bool__(self) -> bool:
        return bool(self.keys)

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    @property
    def values(self) -> dict[str, Any]:
        return _decode(b"{%b}" % b",".join(self.pairs))  # type: ignore[no-any-return]

    @property
    def text(self) -> bytes:
        """JSON; '' for none."""
        return AttributesColumn([self]).texts()[0]

    def get(self, key: str) -> Any:
        return self.value(_last(self.keys, key)) if key in self.keys else None

    def value(self, place: int) -> Any:
        (value,) = _decode(b"{%b}" % self.pairs[place]).values()
        return value


def pair(key: str, value: Any) -> Pair:
    return key, b"%b:%b" % (json_bytes(key), json_bytes(value))


def grouped(pairs: Sequence[Pair], sizes: Iterable[int]) -> list[Attributes]:
    """The attributes of several records; `sizes`: how many pairs each has."""
    keys, texts = zip(*pairs, strict=True) if pairs else ((), ())
    made = []
    begin = 0
    for size in sizes:
        end = begin + size
        made.append(Attributes(keys[begin:end], texts[begin:end]))
        begin = end
    return made


class AttributesColumn:
    """The attributes of many records, of which most have the same keys as others."""

    def __init__(self, column: Sequence[Attributes]) -> None:
        self._column = column
        numbers: dict[tuple[str, ...], int] = {}
        self._kinds = [numbers.setdefault(each.keys, len(numbers)) for each in column]
        """Of each record the index of its keys."""
        self._keys = list(numbers)

    def texts(self) -> list[bytes]:
        """JSON, '' for none."""
        made = [b"{%b}" % b",".join(each.pairs) for each in self._column]
        odd = {kind for kind, keys in enumerate(self._keys) if len(set(keys)) < len(keys) or not keys}
        if odd:
            return [_mended(text) if kind in odd else text for kind, text in zip(self._kinds, made, strict=True)]
        return made

    def first(self, names: Sequence[str], as_text: Callable[[Any], str]) -> list[str] | None:
        """Of each record the first of these attributes that has a text, else ''; None if no record has any of them."""
        places = [[_last(keys, name) for name in names if name in keys] for keys in self._keys]
        if not any(places):
            return None
        firsts = [of_kind[0] if of_kind else -1 for of_kind in places]
        made = list(map(as_text, self._values(firsts)))
        if max(map(len, places)) > 1:
            return [
                text or next(filter(None, (as_text(each.value(place)) for place in places[kind])), "")
                for text, each, kind in zip(made, self._column, self._kinds, strict=True)
            ]
        return made

    def _values(self, places: Sequence[int]) -> Any:
        """The value at the place for the keys of a record, None for -1."""
        skipped = [
            len(json_bytes(keys[place])) + 1 if place >= 0 else 0
            for keys, place in zip(self._keys, places, strict=True)
        ]
        return _decode(
            b"[%b]"
            % b",".join(
                [
                    each.pairs[places[kind]][skipped[kind] :] if skipped[kind] else b"null"
                    for each, kind in zip(self._column, self._kinds, strict=True)
                ]
            )
        )


def _mended(text: bytes) -> bytes:
    return b"" if text == b"{}" else json_bytes(_decode(text))


def _last(keys: tuple[str, ...], key: str) -> int:
    return len(keys) - 1 - keys[::-1].index(key)
