"""Attributes that were met before: the same ones come again and again (performance.md, "Attributes come again")."""

from collections.abc import Callable
from typing import Any

MOST_KNOWN = 4_096
"""How many are remembered."""

LARGEST_KNOWN = 128
"""Bytes of the largest one that is."""

Pair = tuple[str, Any]


class Known(dict[bytes, Pair]):
    """A key and its value, as they were sent -> decoded."""

    def __init__(self, decode: Callable[[bytes], Pair]) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, sent: bytes) -> Pair:
        pair = self._decode(sent)
        if len(sent) <= LARGEST_KNOWN:
            if len(self) >= MOST_KNOWN:
                self.clear()
            self[sent] = pair
        return pair
