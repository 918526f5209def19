"""JSON that JavaScript accepts and msgspec refuses, turned into JSON that both accept; the rest stays byte for byte."""

import re

_BOM = b"\xef\xbb\xbf"
_SURROGATES = re.compile(
    rb"(?<!\\)((?:\\\\)*+)"  # an even number of backslashes: each pair is an escaped one
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""Backslashes, then a pair of surrogates or a lone one. No other escape is looked at: a body may have millions."""


def repaired(text: bytes) -> bytes:
    """The text without the byte order mark, and with U+FFFD for lone surrogates."""
    text = text.removeprefix(_BOM)
    if b"\\ud" not in text and b"\\uD" not in text:
        return text
    return _SURROGATES.sub(lambda found: found[1] + (found[2] or rb"\ufffd"), text)
