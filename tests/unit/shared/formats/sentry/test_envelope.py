"""The parser of Sentry's envelopes (sentry.md, "Envelopes")."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.intake import Malformed, TooMany
from shared.formats.sentry.envelope import MOST_ITEMS, header_of, parse

EDGE = Path(__file__).parents[4] / "fixtures" / "sentry" / "edge"
EVENT = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","message":"hello","level":"error"}'
MADE = {
    "no-length": b'{}\n{"type":"event"}\n' + EVENT,
    "unknown-type-first": b'{}\n{"type":"brand_new","length":3}\nabc\n{"type":"event"}\n' + EVENT,
    "length-beyond-end": b'{}\n{"type":"event","length":82}\n' + EVENT,
    "length-not-followed-by-newline": b'{}\n{"type":"event","length":80}\n' + EVENT,
}
EXPECTED: dict[str, Any] = json.loads((EDGE / "expect.json").read_text())


def found(body: bytes) -> list[list[Any]]:
    return [[item.type, len(item.payload)] for item in parse(body)[1]]


@pytest.mark.parametrize("name", EXPECTED)
def test_edges_are_read_as_sentrys_own_parser_reads_them(name: str) -> None:
    body = MADE[name] if name in MADE else (EDGE / f"{name}.envelope").read_bytes()
    if isinstance(EXPECTED[name], str):
        with pytest.raises(Malformed):
            parse(body)
    else:
        assert found(body) == EXPECTED[name]


TYPES = st.text(min_size=1, max_size=20)
PAYLOADS = st.binary(max_size=60)


@given(
    st.lists(st.tuples(TYPES, PAYLOADS, st.booleans(), st.integers(0, 3)), max_size=8),
    st.booleans(),
)
def test_what_was_put_together_is_taken_apart(items: list[tuple[str, bytes, bool, int]], ends: bool) -> None:
    body = b'{"event_id":"1"}\n'
    expected = []
    for kind, payload, has_length, empty in items:
        has_length = has_length or b"\n" in payload
        head: dict[str, Any] = {"type": kind, "x": [1]} | ({"length": len(payload)} if has_length else {})
        body += json.dumps(head).encode() + b"\n" + payload + b"\n" * (1 + empty)
        expected.append((kind, payload))
    if not ends and items and items[-1][1]:
        body = body.rstrip(b"\n") if not items[-1][1].endswith(b"\n") else body
    header, parsed = parse(body)
    assert [tuple(item) for item in parsed] == expected
    assert bytes(header.event_id) == b'"1"'


PIECES = st.sampled_from(
    [b"{}", b"\n", b'{"type":"event"}', b'{"type":"a","length":2}', b"ab", b"\r", b"{", b'{"type":1}', b"\xff", b" "]
)


@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_any_bytes_are_an_envelope_or_malformed_and_no_payload_is_made_up(body: bytes) -> None:
    try:
        _, items = parse(body)
    except Malformed:
        return
    at = 0
    for item in items:
        at = body.index(item.payload, at) + len(item.payload)


@pytest.mark.parametrize(
    "body",
    [
        b"[]\n",
        b'"{}"\n',
        b"\n{}\n",
        b'{}\n{"type":"event","length":-1}\n{}',
        b'{}\n{"type":"event","length":1.5}\n{}',
        b'{}\n{"type":"event","length":"2"}\n{}',
        b'{}\n{"type":"event","length":true}\n{}',
        b'{}\n{"type":"event","length":99999999999999999999}\n{}',
        b'{}\n{"type":null}\n{}',
        b"{}\n" + b"[" * 100_000,
        b'{"\xff":1',
        b'{}\n{"type":"\xff"}\n{}',
        b'{"dsn":"%b"}\n' % (b"x" * 70_000),
    ],
)
def test_what_breaks_a_rule_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body)


def test_more_than_a_thousand_items_are_too_many() -> None:
    item = b'{"type":"session"}\n{}\n'
    assert len(parse(b"{}\n" + item * MOST_ITEMS)[1]) == MOST_ITEMS
    with pytest.raises(TooMany):
        parse(b"{}\n" + item * (MOST_ITEMS + 1))


def test_a_header_may_hold_anything_in_its_fields() -> None:
    header, at = header_of(b'{"dsn":5,"event_id":null,"trace":[{}]}')
    assert (bytes(header.dsn), bytes(header.trace), at) == (b"5", b"[{}]", 38)


def test_the_time_is_in_proportion_to_the_body() -> None:
    """Whatever is repeated is looked at once: each of these would take minutes otherwise."""
    for body in (b"\n" * 5_000_000, b"x" * 5_000_000, b'{"type":"a","length":0}\n' * 900, b"\r\n" * 2_000_000):
        with suppress(Malformed, TooMany):
            parse(b"{}\n" + body)
