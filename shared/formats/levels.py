"""Levels: names, the words that mean them, and OpenTelemetry severity numbers (contracts.md, "Levels")."""

SEVERITY_NUMBERS = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}

LEVELS = tuple(SEVERITY_NUMBERS)

_WORDS = {
    **{name: name for name in LEVELS},
    **dict.fromkeys(("critical", "crit", "alert", "emergency", "emerg", "panic"), "fatal"),
    "err": "error",
    "warning": "warn",
    "notice": "info",
    "information": "info",
    "verbose": "debug",
}
"""Python's words, syslog's and .NET's."""

WORDS = tuple(_WORDS)


def level_of(value: object) -> str | None:
    """The level that a text names, in any case; None if it names none, or is not a string."""
    return _WORDS.get(value.lower()) if isinstance(value, str) else None


def other_word(value: object) -> bool:
    """Whether a text names a level by another word than its name, so that the word is worth keeping."""
    return isinstance(value, str) and value.lower() not in SEVERITY_NUMBERS and value.lower() in _WORDS
