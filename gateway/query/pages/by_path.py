"""Attributes by their dotted paths."""

from collections.abc import Iterator, Mapping
from typing import Any

MAX_DEPTH = 20
"""Levels of nested values; what is deeper is shown as JSON."""

MAX_PATH = 256
"""Characters of a path that leads on, and of one that a link searches for: whatever is below it repeats it."""

MAX_ATTRIBUTES = 300
"""Of one record; the API has all."""


def by_path(value: Mapping[str, Any], within: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The values of nested objects by their paths; what lies deeper than a path may lead is one value."""
    for key, each in value.items():
        path = f"{within}{key}"
        if isinstance(each, dict) and each and depth < MAX_DEPTH and len(path) <= MAX_PATH:
            yield from by_path(each, f"{path}.", depth + 1)
        else:
            yield path, each
