"""A page is the text that one encoding of all rows would give, bounded in bytes."""

import json
import random
import re
from collections.abc import Sequence
from math import isfinite
from typing import Any
from uuid import UUID

import msgspec

from gateway.query.logs.columns import COLUMNS
from gateway.query.logs.page import MAX_PAGE_BYTES, page_of
from gateway.query.place import PLACE_COLUMNS, Place
from gateway.query.times import format_time
from shared.signals.base import TIME
from shared.signals.logs import LOGS

NAMES = COLUMNS
TYPES = {column.name: column.type for column in LOGS.columns}
OBJECTS = ("attributes", "user", "account", "extra", "resource")

_PERHAPS_HUGE = re.compile(rb"[eE]\+?\d{3}|\d{99}")
_STRING_OR_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*', re.DOTALL)


def at_once(rows: Sequence[Sequence[Any]]) -> bytes:
    """All logs encoded in one call, numbers looked at by expression: plain, and far too slow for the event loop."""
    logs = [{name: _cell(name, value) for name, value in zip(NAMES, row, strict=False)} for row in rows]
    return msgspec.json.encode(logs)[1:-1]


def _cell(name: str, value: Any) -> Any:
    if TYPES[name] == TIME:
        return format_time(value)
    if name in OBJECTS:
        return _json(value) if value else msgspec.Raw(b"{}") if name == "attributes" else None
    if name == "line_number":
        return value or None
    if "String" not in TYPES[name]:
        return value
    text = value if isinstance(value, str) else value.decode(errors="replace")
    return text if text or name in ("level", "message") else None


def _json(value: str | bytes) -> msgspec.Raw:
    text = value.encode() if isinstance(value, str) else value
    if not _PERHAPS_HUGE.search(text):
        return msgspec.Raw(text)

    def held(found: re.Match[bytes]) -> bytes:
        return found[0] if found[0].startswith(b'"') or isfinite(float(found[0])) else b"null"

    return msgspec.Raw(_STRING_OR_NUMBER.sub(held, text))


def some_json(rng: random.Random, depth: int = 0) -> str:
    match rng.randrange(8 if depth < 3 else 6):
        case 0:
            return rng.choice(["1e400", "-1E+999", "1e308", "1.8e308", "2e-400", "9" * 310, "-" + "9" * 400 + ".5"])
        case 1:
            return json.dumps(str(UUID(int=rng.getrandbits(128))))
        case 2:
            return json.dumps(rng.choice(['"1e400', "\\", "1e999", "ü😀", "\x01", "9" * 120, "e1000"]))
        case 3:
            return rng.choice(['"\\ud800 1e400"', '"\\"1e400\\\\"', "true", "null"])
        case 4 | 5:
            return str(rng.choice([rng.random(), rng.getrandbits(64), -rng.getrandbits(20)]))
        case 6:
            return "[" + " , ".join(some_json(rng, depth + 1) for _ in range(rng.randrange(4))) + "]"
        case _:
            return some_object(rng, depth)


def some_object(rng: random.Random, depth: int = 0) -> str:
    keys = ["a", "b", "1e400", "e123", "ü"]
    return "{" + ", ".join(f'"{rng.choice(keys)}":{some_json(rng, depth + 1)}' for _ in range(rng.randrange(5))) + "}"


def some_row(rng: random.Random) -> list[Any]:
    return [some_value(rng, name) for name in (*NAMES, *PLACE_COLUMNS)]


def some_value(rng: random.Random, name: str) -> Any:
    if TYPES[name] == TIME:
        return rng.randrange(-(10**15), 4 * 10**15)
    if name in OBJECTS:
        return rng.choice(["", some_object(rng), some_object(rng).encode(), '{"broken": 1e400'])
    if "String" in TYPES[name]:
        return rng.choice(["", "text", 'quoted " \\ \x00 ü 😀', b"\xff\xfe", str(UUID(int=rng.getrandbits(128)))])
    return rng.randrange(0, 1_000)


def test_a_page_is_what_encoding_all_of_its_rows_at_once_gives() -> None:
    rng = random.Random(7)
    for _ in range(200):
        rows = [[*some_row(rng), 0] for _ in range(rng.randrange(1, 20))]
        for row in rows:
            row[-1] = len(rows)
        page = page_of(NAMES, [tuple(row) for row in rows], 1_000)
        assert b"".join(page.pieces) == at_once(rows)
        assert (page.n, page.last) == (len(rows), None)


def test_a_page_that_is_large_enough_ends_and_names_its_last_place() -> None:
    rng = random.Random(8)
    row = some_row(rng)
    row[NAMES.index("message")] = "x" * 400_000
    page = page_of(NAMES, [(*row, 31)] * 30, 1_000)
    assert MAX_PAGE_BYTES <= sum(map(len, page.pieces)) < MAX_PAGE_BYTES + 500_000
    assert page.n == 20
    assert page.last == Place(*row[len(NAMES) :])


def test_a_page_of_its_limit_names_its_last_place_only_if_more_were_found() -> None:
    row = some_row(random.Random(9))
    assert page_of(NAMES, [(*row, 3)] * 3, 3).last is None
    assert page_of(NAMES, [(*row, 4)] * 4, 3).last is not None
    assert page_of(NAMES, [], 3).pieces == [b""]
