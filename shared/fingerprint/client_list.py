"""A client's own `fingerprint`: errors with equal lists are one group (grouping.md, "A client's own list")."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

KIND: Final = "sentry"
"""The first of the parts: whose list it is."""

DEFAULTS: Final = frozenset({"{{ default }}", "{{default}}"})
"""They stand for the fingerprint that the error would have without the list."""

_encode = msgspec.json.Encoder().encode


def decides(said: Sequence[str]) -> bool:
    """Whether the list says anything that the version doesn't."""
    return len(said) > 1 or (len(said) == 1 and said[0] not in DEFAULTS)


def grouped(said: Sequence[str], default: str) -> tuple[str, str]:
    """(64 hex digits, JSON of the parts). `default`: the fingerprint of the version."""
    parts = _encode([KIND, *(default if part in DEFAULTS else part for part in said)])
    return hashlib.sha256(parts).hexdigest(), parts.decode()
