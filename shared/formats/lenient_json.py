"""Turns JSON that JavaScript accepts and msgspec refuses into JSON that both accept; the rest stays byte for byte."""

import re

_BOM = b"\xef\xbb\xbf"
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
"""A surrogate pair, a lone surrogate (the group), or any other escape."""


def repaired(text: bytes) -> bytes:
    """The text without a BOM, and with U+FFFD for lone surrogates."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], text.removeprefix(_BOM))
