"""Version 2: the chain's types, the own frames, the plain words of the message (grouping.md, "Version 2").

Every expression is bounded and every input is cut first, so hostile input costs linear time.
"""

import hashlib
from functools import lru_cache
from typing import Final

import msgspec

from shared.fingerprint.v2 import languages
from shared.fingerprint.v2.bounds import bounded, bounded_message
from shared.fingerprint.v2.choice import chosen
from shared.fingerprint.v2.model import Reading

MOST_KNOWN: Final = 512
LARGEST_KNOWN: Final = 8_192
"""Characters of the longest error that is remembered: all of them together take at most 16 MB."""

_encode = msgspec.json.Encoder().encode


def fingerprint(message: str, stack: str) -> tuple[str, str, str]:
    """(64 hex digits, JSON of `["v2", types, frames, message or null, rule]`, type). The rule isn't hashed.

    Errors come again, word for word: the last ones are remembered (performance.md, "Errors come again").
    """
    small = len(message) + len(stack) <= LARGEST_KNOWN
    return _known(message, stack) if small else _fingerprint(message, stack)


def _fingerprint(message: str, stack: str) -> tuple[str, str, str]:
    reading = read(message, stack)
    hashed = _encode(("v2", *reading.parts))
    shown = _encode(("v2", *reading.parts, reading.rule))
    return hashlib.sha256(hashed).hexdigest(), shown.decode(), reading.type


_known = lru_cache(MOST_KNOWN)(_fingerprint)


def forget() -> None:
    """Forget the errors that were met: for those who measure."""
    _known.cache_clear()


def read(message: str, stack: str) -> Reading:
    """What is known of an error: its language, its chain, and the parts that were chosen."""
    text = bounded(stack)
    language, errors = languages.read(text)
    return chosen(language, errors, bounded_message(message) or ("" if errors else text))
