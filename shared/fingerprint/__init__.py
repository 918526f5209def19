"""Error grouping: two errors of one cause get one fingerprint. A released version (a file or folder) is frozen."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shared.fingerprint import v1, v2


class Fingerprint(NamedTuple):
    """64 lowercase hex digits; the JSON of the parts they were made from, for people to read; the error's type."""

    hash: str
    parts: str
    type: str


CURRENT = 2
"""The version that the gateway answers with; the envelope names it, and the writer stores its result."""

_VERSIONS: Mapping[int, Callable[[str, str], tuple[str, str, str]]] = {1: v1.fingerprint, 2: v2.fingerprint}


def fingerprint(version: int, message: str, stack: str) -> Fingerprint:
    """The fingerprint of an error. Raises KeyError for a version that this process doesn't know."""
    return Fingerprint(*_VERSIONS[version](message, stack))


def versions() -> list[int]:
    """The versions that this process knows."""
    return sorted(_VERSIONS)
