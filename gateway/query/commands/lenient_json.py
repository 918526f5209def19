"""JSON of answers, read as leniently as clients may have sent what stands in it."""

import json
from typing import Any

_LONG = 1_000
"""Digits: Python refuses to read numbers of many more."""


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < _LONG else float(digits)


_decode = json.JSONDecoder(strict=False, parse_int=_number).raw_decode


def read_json(text: str, start: int = 0) -> tuple[Any, int]:
    """The value that begins here, and where it ends. msgspec would refuse half a character (`\\ud800`)."""
    return _decode(text, start)
