"""Levels: names and OpenTelemetry severity numbers (contracts.md, "`POST /api/v1/logs/batch`")."""

SEVERITY_NUMBERS = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}

LEVELS = tuple(SEVERITY_NUMBERS)

_ALIASES = {"warning": "warn"}


def level_of(value: object) -> str | None:
    """The level that a text names, in any case; None if it names none, or is not a string."""
    if not isinstance(value, str):
        return None
    name = value.lower()
    name = _ALIASES.get(name, name)
    return name if name in SEVERITY_NUMBERS else None
