"""How many partitions a new topic has."""

import re

from shared.signals.base import OVERFLOW

USUAL = 4
MOST_OF_OVERFLOW = 16
"""Without a number of its own an overflow topic has as many as its signal's other one, and no more than this: what is
there may wait, and each lane costs inserts."""

_ENTRY = re.compile(r"(?:([A-Za-z][A-Za-z0-9_.-]*):)?([1-9][0-9]{0,4})")


class Partitions:
    """Of each signal: `logs:64,logs.overflow:16,errors:8,4`; the number without a name is that of all others."""

    __slots__ = ("_text", "_usual", "of_signals")

    def __init__(self, text: str) -> None:
        """Raises `ValueError`."""
        self._text, self._usual = text, USUAL
        self.of_signals: dict[str, int] = {}
        for entry in text.split(","):
            if (found := _ENTRY.fullmatch(entry.strip())) is None:
                raise ValueError(f"{entry!r} is no number of partitions: write 4, or logs:64,errors:8,4")
            name, count = found[1], int(found[2])
            if name:
                self.of_signals[name] = count
            else:
                self._usual = count

    def of(self, signal: str) -> int:
        """`signal`: its full name."""
        other = signal.removesuffix(OVERFLOW)
        if signal in self.of_signals or other == signal:
            return self.of_signals.get(signal, self._usual)
        return min(self.of(other), MOST_OF_OVERFLOW)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Partitions) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return self._text
