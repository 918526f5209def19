"""Severity numbers and texts -> levels."""

from collections.abc import Sequence

from shared.formats.levels import SEVERITY_NUMBERS, level_of
from shared.formats.otlp.records import Log

_LEVELS = dict(enumerate((level for level in SEVERITY_NUMBERS for _ in range(4)), 1))
"""Four severity numbers each, from 1 on."""

SEVERITIES = (
    "unspecified",
    *(f"{level}{n}" for level in ("trace", "debug", "info", "warn", "error", "fatal") for n in ("", 2, 3, 4)),
)
"""The names of the numbers, from 0 on."""

is_severity = _LEVELS.__contains__


def level_in(log: Log) -> str:
    """The level of the number, else of the text, else info."""
    return _LEVELS.get(log.severity_number) or _in_words(log.severity_text)


def levels(numbers: Sequence[int], texts: Sequence[str]) -> list[str]:
    """`level_in` of each."""
    made = list(map(_LEVELS.get, numbers))
    if None in made:
        return [level or _in_words(text) for level, text in zip(made, texts, strict=True)]
    return made  # type: ignore[return-value]


def _in_words(text: str) -> str:
    return level_of(text) or "info"
