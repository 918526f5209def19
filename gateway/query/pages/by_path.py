"""Attributes by their dotted paths."""

from collections.abc import Iterator, Mapping
from typing import Any

MAX_DEPTH = 20


def by_path(value: Mapping[str, Any], path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The values of nested objects by their paths."""
    for key, each in value.items():
        if isinstance(each, dict) and each and depth < MAX_DEPTH:
            yield from by_path(each, f"{path}{key}.", depth + 1)
        else:
            yield f"{path}{key}", each
