"""Bodies that are no clean JSON: what JavaScript would take of them is taken (03, "What is valid")."""

from typing import Any

import msgspec

from shared.formats.intake import Malformed
from shared.formats.lenient_json import repaired

_decode = msgspec.json.Decoder(float_hook=float).decode


def valid_utf8(body: bytes) -> bytes:
    """The body itself, or with U+FFFD for what is no UTF-8 (msgspec passes over such bytes in ignored fields)."""
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode(errors="replace").encode()
    return body


def parsed(body: bytes) -> tuple[bytes, Any]:
    """(the body as msgspec takes it, its plain values); of equal keys the last one stands, a number over a double's
    range is infinite. Raises `Malformed`.
    """
    try:
        return body, _decode(body)
    except (msgspec.DecodeError, RecursionError):
        body = repaired(body)
    try:
        return body, _decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(str(error)) from error
