"""Error grouping: two errors of one cause get one fingerprint. A released version (a file or folder) is frozen."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from shared.fingerprint import client_list, v1, v2
from shared.fingerprint.rules import NO_RULES, Rules


class Fingerprint(NamedTuple):
    """64 lowercase hex digits; the JSON of the parts they were made from, for people to read; the error's type."""

    hash: str
    parts: str
    type: str


CURRENT = 2
"""The version that the gateway answers with; the envelope names it, and the writer stores its result."""

_VERSIONS: Mapping[int, Callable[[str, str], tuple[str, str, str]]] = {1: v1.fingerprint, 2: v2.fingerprint}


def fingerprint(
    version: int,
    message: str,
    stack: str,
    rules: Rules = NO_RULES,
    release: str = "",
    said: Sequence[str] = (),
) -> Fingerprint:
    """The fingerprint of an error: by the first of the project's rules that matches, else by the list that its client
    said, else by the version.

    Raises KeyError for a version that this process doesn't know.
    """
    if rules is not NO_RULES and (overruled := rules.overrule(message, stack, release)):
        return Fingerprint(*overruled)
    made = Fingerprint(*_VERSIONS[version](message, stack))
    return Fingerprint(*client_list.grouped(said, made.hash), made.type) if client_list.decides(said) else made


def versions() -> list[int]:
    """The versions that this process knows."""
    return sorted(_VERSIONS)
