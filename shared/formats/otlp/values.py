"""Values of attributes, as JSON holds them."""

from base64 import b64encode
from math import isnan
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def printable(text: str) -> str:
    """Without NUL, which the tables don't hold."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def named(number: float) -> str:
    """The text of a number that JSON has no word for."""
    if isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def base64_text(value: bytes) -> str:
    return b64encode(value).decode()


json_bytes = _encode


def json_text(value: Any) -> str:
    return _encode(value).decode()
