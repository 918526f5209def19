"""What was met before: the same attributes, names and words come again and again
(performance.md, "Attributes come again")."""

from collections.abc import Callable, Sequence
from itertools import compress
from operator import not_
from sys import maxsize
from typing import TypeVar

from shared.formats.otlp.attributes import Pair
from shared.formats.otlp.values import json_bytes

T = TypeVar("T")

MOST_KNOWN = 4_096
"""How many are remembered."""

LARGEST_KNOWN = 256
"""Bytes of the largest one that is."""

VALUES = 128
"""How many values of one key are remembered: ids and counts are new each time."""


class Known(dict[bytes, T]):
    """Bytes, as they were sent -> what they mean."""

    def __init__(self, decode: Callable[[bytes], T]) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, sent: bytes) -> T:
        made = self._decode(sent)
        if len(sent) <= LARGEST_KNOWN:
            if len(self) >= MOST_KNOWN:
                self.clear()
            self[sent] = made
        return made


class Key:
    """A key of attributes."""

    __slots__ = ("before", "name", "room")

    def __init__(self, name: str, room: int = VALUES) -> None:
        self.name = name
        self.before = json_bytes(name) + b":"
        """What stands before a value in JSON."""
        self.room = room
        """How many of its values may still be remembered."""


class KnownPairs:
    """Attributes, as they were sent -> key and JSON text."""

    def __init__(self, name_of: Callable[[bytes], str], decode: "Callable[[KnownPairs, Sequence[bytes]], list[Pair]]"):
        """`name_of` reads a key; `decode` those that are new, and has `remember` called where a key has room."""
        self.keys = Known(lambda head: Key(name_of(head)))
        self.other = Key("", maxsize)
        """Stands for the keys of what is not taken apart."""
        self._known: dict[bytes, Pair] = {}
        self._decode = decode

    def all(self, sent: Sequence[bytes]) -> list[Pair]:
        """What each means."""
        made = list(map(self._known.get, sent))
        new = list(compress(sent, map(not_, made)))
        if not new:
            return made  # type: ignore[return-value]  # None is not among them
        decoded = iter(self._decode(self, new))
        return [each or next(decoded) for each in made]

    def remember(self, key: Key, sent: bytes, pair: Pair) -> None:
        if len(sent) > LARGEST_KNOWN:
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
            self.keys.clear()
        if sent not in self._known:  # one call may have it often
            key.room -= 1
        self._known[sent] = pair
