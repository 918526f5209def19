"""Bodies at the limits: of every format, valid or broken, with values at the edge of every type, some maimed."""

import json
import time
from typing import Any

from hypothesis import strategies as st

from tests.bodies import TIMES, broken, values
from tests.validating import Door


class Token(str):
    """JSON text that is written as it stands."""


_NOW = int(time.time())

NUMBERS = [
    *("0", "-0", "-0.0", "0.5", "2.5", "1E5", "1e-400", "5e-324", "1e308", "1.7976931348623157e308"),
    *("9007199254740991", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615"),
    *("18446744073709551616", "-9223372036854775809", "4294967295", "4294967296", "1" + "0" * 25, "-1", "1e15", "1e22"),
    *("1e400", "-1e400", "1.8e308", "1e0000000400", "9" * 308, "9" * 310, "9" * 5_000, "0." + "9" * 5_000),
]
"""Numbers at the limits of doubles, 64-bit integers, columns, and Python's int parser."""

MOMENTS = [
    *('"1899-12-31T23:59:59.999999Z"', '"1900-01-01T00:00:00Z"', '"2299-12-31T23:59:59.999999Z"'),
    *('"2300-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"', '"1969-12-31T23:59:59.9999995Z"', '"2026-11-22"'),
    *("0", "-1", "1e11", "100000000001", "253402300800", "-2208988800", "-2208988800.000001", "10413791999.999999"),
    *("10413792000", "10413792000000", "1e18", "-1e18", "1e300", "1736938200.123", str(_NOW + 540), str(_NOW + 660)),
    *(json.dumps(moment) for moment in TIMES),
]
"""Times around what DateTime64(6) holds, around Unix 0, and around ten minutes from now."""

TEXTS = [
    *(
        '""',
        '"\\u0000"',
        '"a\\u0000b"',
        '"\\ud800"',
        '"\\udc00\\ud800x"',
        '"\ufeff"',
        '"\u2028"',
        '"\\"\\\\\\/"',
        '"%00"',
    ),
    *(json.dumps(char * n, ensure_ascii=False) for char in "aé😀" for n in (64, 65, 128, 129, 256, 257, 512, 513)),
    json.dumps("\0" * 300),
    json.dumps("x" * 20_000),
    '"proliferate-sdk-init"',
]
"""Texts around every limit, with characters that one of the stores can't hold."""

DEEP = ["[" * n + "]" * n for n in (50, 511, 513, 940, 100_000)] + ['{"a":' * n + "1" + "}" * n for n in (500, 900)]
BIG = [json.dumps("x" * n) for n in (511_000, 513_000, 1_200_000)] + [
    "[" + "0," * 400_000 + "0]",
    json.dumps("é" * 300_000),
]
BROKEN = ["NaN", "-Infinity", "01", "1.", "'a'", "tru", '"\\q"', '"\x01"', '"\n"', "", '"', "[1,]", "{a:1}", '{"a":1,}']

OTHERS = ["null", "true", "[]", "{}", "[null]", '[[],{"":null}]', '{"id":{"id":{"id":1e400}}}', '{"user":{"id":1e999}}']


def rarely(draw: st.DrawFn, once_in: int) -> bool:
    """True about once in so many draws (hypothesis draws the ends of a range far more often)."""
    return draw(st.integers(0, once_in - 1)) == once_in // 2


extremes = st.one_of(
    *(st.sampled_from(some) for some in (NUMBERS, MOMENTS, TEXTS, TEXTS, OTHERS)),
    st.sampled_from(DEEP[:2] + DEEP[5:6]) | st.sampled_from(DEEP + BROKEN),
).map(Token)

_NAMES = [
    *(
        "metadata",
        "attributes",
        "extra",
        "user",
        "account",
        "context",
        "id",
        "email",
        "api_key",
        "timestamp",
        "release",
    ),
    *("service", "environment", "vercel_id", "exception", "mechanism", "stack", "stacktrace", "frames", "breadcrumbs"),
    *(
        "event_id",
        "trace_id",
        "proxy",
        "statusCode",
        "schema",
        "level",
        "message",
        "http.status_code",
        "",
        "\0",
        "\u2028",
    ),
    *("unknown", "line_number", "value", "type", "template", "projectName", "traceId", "trace.id", "__proto__"),
]


@st.composite
def spiced(draw: st.DrawFn, value: Any) -> Any:
    """The value with up to two extremes somewhere in it, under old or new keys."""
    for _ in range(draw(st.integers(0, 2))):
        value = draw(_spiced(value))
    return value


@st.composite
def _spiced(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and not rarely(draw, 10):
        key = draw(st.sampled_from(sorted(value)) | st.sampled_from(_NAMES) if value else st.sampled_from(_NAMES))
        return value | {key: draw(_spiced(value.get(key)))}
    if isinstance(value, list) and value and not rarely(draw, 10):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], draw(_spiced(value[index])), *value[index + 1 :]]
    if rarely(draw, 40):
        return draw(st.sampled_from(BIG).map(Token))
    return draw(extremes)


def written(value: Any, *, ascii_only: bool, spaced: bool, twice: bool = False) -> str:
    """The value's JSON. `twice`: the first key of each object is there twice, the first time with null."""
    if isinstance(value, Token):
        return value
    if isinstance(value, dict):
        members = [
            f"{json.dumps(key, ensure_ascii=ascii_only)}:"
            + written(item, ascii_only=ascii_only, spaced=spaced, twice=twice)
            for key, item in value.items()
        ]
        if twice and members:
            members.insert(0, f"{json.dumps(next(iter(value)), ensure_ascii=ascii_only)}:null")
        return "{" + (" ,\n" if spaced else ",").join(members) + "}"
    if isinstance(value, list):
        items = [written(item, ascii_only=ascii_only, spaced=spaced, twice=twice) for item in value]
        return "[" + (" ,\t" if spaced else ",").join(items) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


_PIECES = [
    *(
        b'"',
        b"\\",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b",",
        b"}",
        b"]",
        b"[",
        b"{",
        b"\n",
        b"\r\n",
        b"\xed\xa0\x80",
        b"\xc3",
    ),
    *(b"1e400", b"NaN", b"null", b"\\ud800", b"\\u0000", b"-", b"e", b".", b" ", b":", b"//", b"\xc0\x80", b"0"),
]


@st.composite
def maimed(draw: st.DrawFn, text: bytes) -> bytes:
    """The text with up to three changes: a bit flipped, bytes cut out, inserted or repeated, or the end cut off."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.sampled_from([1, 1, 2, 7, 100])))
        match draw(st.integers(0, 4)):
            case 0:
                text = (
                    text[:at]
                    + bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in text[at : at + 1])
                    + text[at + 1 :]
                )
            case 1:
                text = text[:at] + text[to:]
            case 2:
                text = text[:at] + draw(st.sampled_from(_PIECES)) + text[at:]
            case 3:
                text = text[:at] + text[at:to] * 2 + text[to:]
            case _:
                text = text[:at]
    return text


def plain_values(door: Door) -> st.SearchStrategy[Any]:
    """Bodies of an intake as values: valid or broken, spiced or not."""
    spicy = values(door).flatmap(spiced)
    return st.one_of(spicy, spicy, values(door), values(door).flatmap(broken).flatmap(spiced))


@st.composite
def texts(draw: st.DrawFn, door: Door, value: Any) -> bytes:
    """The text of a body: JSON in any spelling, NDJSON for drains, maimed or not."""
    style = {"ascii_only": draw(st.booleans()), "spaced": draw(st.booleans()), "twice": rarely(draw, 10)}
    if door.intake.kind == "drain" and isinstance(value, list) and draw(st.booleans()):
        text = "\n".join(written(each, **style | {"spaced": False}) for each in value)
    else:
        text = written(value, **style)
    body = text.encode("utf-8", "surrogatepass")
    if rarely(draw, 20):
        body = draw(st.sampled_from([b"\xef\xbb\xbf", b" \n", b"\0"])) + body
    return draw(maimed(body)) if rarely(draw, 7) else body


def bodies(door: Door) -> st.SearchStrategy[bytes]:
    """Bodies of an intake, most of them strange."""
    return plain_values(door).flatmap(lambda value: texts(door, value))
