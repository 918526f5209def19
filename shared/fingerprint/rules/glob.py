"""Patterns with `*`, matched in linear time."""


class Glob:
    """`*` stands for any text, also none and line ends; all else for itself, in this case. The whole text must match.

    Each part of the pattern is looked for once, from the left, so nothing is ever tried again.
    """

    __slots__ = ("_first", "_inner", "_last", "_whole", "needle")

    def __init__(self, pattern: str) -> None:
        self._first, *parts = pattern.split("*")
        self._whole = not parts
        self._last = parts.pop() if parts else ""
        self._inner = tuple(filter(None, parts))
        self.needle = max(pattern.split("*"), key=len)
        """A text without it doesn't match: looked for first, in many texts at once, it costs next to nothing."""

    def matches(self, text: str) -> bool:
        if self._whole:
            return text == self._first
        at, end = len(self._first), len(text) - len(self._last)
        if at > end or not (text.startswith(self._first) and text.endswith(self._last)):
            return False
        for part in self._inner:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True
