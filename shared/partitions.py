"""How many partitions a new topic has."""

import re

USUAL = 4
_ENTRY = re.compile(r"(?:([A-Za-z][A-Za-z0-9_-]*):)?([1-9][0-9]{0,4})")


class Partitions:
    """Of each signal: `logs:64,errors:8,4`; the number without a name is that of all others."""

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
        return self.of_signals.get(signal, self._usual)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Partitions) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return self._text
