"""Bodies that are not clean JSON: what JavaScript accepts is accepted (contracts.md, "What is valid")."""

from typing import Any

import msgspec

from shared.formats.intake import Malformed
from shared.formats.lenient_json import repaired

_decode = msgspec.json.Decoder(float_hook=float).decode


def parsed(body: bytes) -> tuple[bytes, Any]:
    """(the body as msgspec accepts it, its plain values). Of equal keys the last one counts; a number beyond a double's
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
