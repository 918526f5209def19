"""Error grouping: two errors of one cause get one fingerprint. Each version is a file, frozen once it was released."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shared.fingerprint import v1


class Fingerprint(NamedTuple):
    """64 lowercase hex, the JSON of the parts that made it, for people to read, and the error's type."""

    hash: str
    parts: str
    type: str


CURRENT = 1
"""The version that the gateway answers with; the envelope names it and the writer stores the same one's result."""

_VERSIONS: Mapping[int, Callable[[str, str], tuple[str, str, str]]] = {1: v1.fingerprint}


def fingerprint(version: int, message: str, stack: str) -> Fingerprint:
    """The fingerprint of an error. Raises KeyError for a version that this process doesn't know."""
    return Fingerprint(*_VERSIONS[version](message, stack))


def versions() -> list[int]:
    """The versions that this process knows."""
    return sorted(_VERSIONS)
