"""The second look at a body that msgspec refused as JSON: what JavaScript's parser would have taken is taken (03)."""

import json
import math
import re
from typing import Any, NoReturn

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"


class Malformed(Exception):
    """It is no JSON."""


def valid_utf8(body: bytes) -> bytes:
    """The body itself, or with U+FFFD for what is no UTF-8 (msgspec passes over such bytes in ignored fields)."""
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode(errors="replace").encode()
    return body


def repaired(body: bytes) -> bytes:
    """The same JSON as msgspec takes it: no BOM, U+FFFD for lone surrogates, the last one of equal keys. Raises
    `Malformed`."""
    try:
        value = json.loads(body.removeprefix(_BOM), parse_constant=_no_constant, parse_float=_finite)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    return _LONE_SURROGATE.sub("\ufffd", text).encode()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> Any:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number that no double holds")
    return number
