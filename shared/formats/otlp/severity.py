"""Severity numbers and texts -> levels."""

from shared.formats.levels import SEVERITY_NUMBERS, level_of
from shared.formats.otlp.records import Log

_LEVELS = [level for level in SEVERITY_NUMBERS for _ in range(4)]
"""Four severity numbers each, from 1 on."""


def is_severity(number: int) -> bool:
    return 0 < number <= len(_LEVELS)


def level_in(log: Log) -> str:
    """The level of the number, else of the text, else info."""
    if is_severity(log.severity_number):
        return _LEVELS[log.severity_number - 1]
    return level_of(log.severity_text) or "info"
