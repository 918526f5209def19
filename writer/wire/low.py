"""A LowCardinality(String) column: its different values once, and a number for each row."""

from array import array
from collections.abc import Sequence
from itertools import chain
from struct import pack
from typing import Any

from writer.wire.column import Unusual, WireColumn
from writer.wire.text import as_bytes, prefixed

_VERSION = 1
_OWN_KEYS, _NEW_DICTIONARY = 1 << 9, 1 << 10
"""Flags: the keys are sent along, and no earlier block's are used."""


class _Numbers(dict[Any, int]):
    """Value -> its number, given to it when it first comes."""

    def __init__(self, limit: int | None) -> None:
        self.encoded: list[bytes] = []
        self._limit = limit

    def __missing__(self, value: Any) -> int:
        data = as_bytes(value)
        if self._limit is not None and len(value) > self._limit:
            raise Unusual
        self.encoded.append(data)
        number = self[value] = len(self)
        return number

    def back_to(self, n: int) -> None:
        """Forget all but the first `n` values."""
        while len(self) > n:
            self.popitem()
        del self.encoded[n:]


class Low(WireColumn):
    def __init__(self, type: str, limit: int | None = None) -> None:
        super().__init__(type, limit)
        self._numbers = _Numbers(limit)
        self._kept = 0
        self._parts: list[Sequence[int]] = []

    def encode(self, values: Sequence[Any]) -> Sequence[int]:
        """The number of each: as bytes while they are below 256."""
        numbers, first, n = self._numbers, values[0], len(values)
        if values.count(first) == n:  # what a request says once, a queue's topic
            number = numbers[first]
            return bytes((number,)) * n if number < 256 else array("I", (number,)) * n
        made = list(map(numbers.__getitem__, values))
        return bytes(made) if len(numbers) <= 256 else array("I", made)

    def append(self, encoded: Sequence[int], n: int) -> None:
        self._parts.append(encoded)
        self._kept = len(self._numbers)
        self.rows += n

    def fill(self, n: int) -> None:
        self.append(self.encode(("",) * n), n)

    def forget(self) -> None:
        self._numbers.back_to(self._kept)

    def wire(self) -> list[Any]:
        keys = self._numbers.encoded
        n = len(keys)
        width, code = (0, "B") if n < 256 else (1, "H") if n < 65_536 else (2, "I")
        head = pack("<qqq", _VERSION, _OWN_KEYS | _NEW_DICTIONARY | width, n)
        return [head, prefixed(keys), pack("<q", self.rows), self._of_width(code)]

    def _decoded(self) -> list[bytes]:
        return [self._numbers.encoded[number] for number in chain.from_iterable(self._parts)]

    def _of_width(self, code: str) -> bytes:
        if code == "B":
            return b"".join(self._parts)  # type: ignore[arg-type]  # all are bytes
        return array(code, chain.from_iterable(self._parts)).tobytes()
