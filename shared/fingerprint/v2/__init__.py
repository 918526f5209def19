"""Version 2: the chain's types, the own frames, the plain words of the message (grouping.md, "Version 2").

Every expression is bounded and every input is cut first, so hostile input costs linear time.
"""

import hashlib

import msgspec

from shared.fingerprint.v2 import languages
from shared.fingerprint.v2.bounds import bounded, bounded_message
from shared.fingerprint.v2.choice import chosen
from shared.fingerprint.v2.model import Reading

_encode = msgspec.json.Encoder().encode


def fingerprint(message: str, stack: str) -> tuple[str, str, str]:
    """(64 hex digits, JSON of `["v2", types, frames, message or null, rule]`, type). The rule isn't hashed."""
    reading = read(message, stack)
    hashed = _encode(("v2", *reading.parts))
    shown = _encode(("v2", *reading.parts, reading.rule))
    return hashlib.sha256(hashed).hexdigest(), shown.decode(), reading.type


def read(message: str, stack: str) -> Reading:
    """What is known of an error: its language, its chain, and the parts that were chosen."""
    text = bounded(stack)
    language, errors = languages.read(text)
    return chosen(language, errors, bounded_message(message) or ("" if errors else text))
