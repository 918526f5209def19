"""JSON that JavaScript accepts and msgspec refuses, turned into JSON that both accept; the rest stays byte for byte."""

import re

BOM = b"\xef\xbb\xbf"
_REPLACED = rb"\ufffd"
"""As long as what it replaces."""

_SURROGATES = re.compile(
    rb"(?<!\\)(?:\\\\)*+"  # an even number of backslashes: each pair is an escaped one
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
"""A pair of surrogates, or a lone one (the group). No other escape is looked at: a body may have millions."""


def valid_utf8(body: bytes) -> bytes:
    """The body, with U+FFFD for bytes that are not UTF-8 (msgspec doesn't notice them in ignored fields)."""
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode(errors="replace").encode()
    return body


def repaired(text: bytes) -> bytes:
    """The text without the byte order mark, and with U+FFFD for lone surrogates."""
    text = text.removeprefix(BOM)
    if not _has_surrogates(text):
        return text
    made = bytearray(text)  # in place: a list of what stands between would take ten times the memory
    for found in _SURROGATES.finditer(text):
        at = found.start(1)
        if at >= 0:
            made[at : at + len(_REPLACED)] = _REPLACED
    return bytes(made)


def is_repairable(text: bytes) -> bool:
    """Whether `repaired` may change the text; takes microseconds."""
    return text.startswith(BOM) or _has_surrogates(text)


def _has_surrogates(text: bytes) -> bool:
    """Also in pairs."""
    return b"\\ud" in text or b"\\uD" in text
