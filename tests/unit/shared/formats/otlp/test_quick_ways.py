"""What is cut out of bytes or text is what a parser makes of it (performance.md, "Attributes come again")."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.otlp import json_values, known, protobuf_values
from shared.formats.otlp.attributes import Attributes, AttributesColumn, Pair, pair
from shared.formats.otlp.known import KnownPairs
from shared.formats.otlp.schema import FULL, DecodeError
from shared.search import holds

NAMES = ("a", "user.id", "", "nul\0", "é", 'quote"', "back\\slash", '},{"key":', "x" * 130)
TEXTS = (
    "",
    "GET",
    "1",
    '},{"key":"a","value":{"stringValue":"b"}}',
    '"',
    "\\",
    "\0",
    "\n",
    "\x7f",
    "é😀",
    *("x" * size for size in (124, 125, 126, 127, 128, 129, 130)),
)
texts = st.sampled_from(TEXTS) | st.text(max_size=6)
numbers = st.sampled_from([0, 1, -1, 127, 128, 16_383, 16_384, 2**31, 2**53 + 1, 2**55, 2**56, 2**63 - 1, -(2**63)])
doubles = st.sampled_from([0.0, -0.0, 0.1, 1.0, 12.5, 1e21, 1e308, 5e-324]) | st.floats()
simple = st.one_of(
    st.tuples(st.just("string"), texts),
    st.tuples(st.just("int"), numbers | st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("double"), doubles),
    st.tuples(st.just("bool"), st.booleans()),
    st.tuples(st.just("bytes"), st.binary(max_size=3)),
    st.just(("none", None)),
)
names = st.sampled_from(NAMES)


def _nested(values: Any) -> Any:
    return st.one_of(
        st.tuples(st.just("array"), st.lists(values, max_size=2)),
        st.tuples(st.just("kvlist"), st.lists(st.tuples(names, values), max_size=3)),
    )


values = st.recursive(simple, _nested, max_leaves=5)
records = st.lists(st.lists(st.tuples(names, values), max_size=5), max_size=3)


def plain(kind: str, value: Any) -> Any:
    """What a value is to be in JSON."""
    if kind == "string":
        return value.replace("\0", "\ufffd")
    if kind == "double" and (value != value or abs(value) == float("inf")):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if kind == "bytes":
        return msgspec.to_builtins(value)
    if kind == "array":
        return [plain(*each) for each in value]
    return plain_attributes(value) if kind == "kvlist" else value


def plain_attributes(sent: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.replace("\0", "\ufffd"): plain(*value) for name, value in sent}


def fill(message: Any, kind: str, value: Any) -> None:
    """An AnyValue."""
    if kind == "array":
        message.array_value.SetInParent()
        for each in value:
            fill(message.array_value.values.add(), *each)
    elif kind == "kvlist":
        message.kvlist_value.SetInParent()
        for name, each in value:
            fill(message.kvlist_value.values.add(key=name.encode()).value, *each)
    elif kind != "none":
        setattr(message, f"{kind}_value", value.encode() if kind == "string" else value)


def key_value(name: str, value: Any) -> bytes:
    made = FULL["KeyValue"](key=name.encode())
    made.value.SetInParent()
    fill(made.value, *value)
    return made.SerializeToString()  # type: ignore[no-any-return]


def as_json(kind: str, value: Any) -> Any:
    """An AnyValue, as JSON sends it."""
    if kind == "none":
        return {}
    if kind == "array":
        return {"arrayValue": {"values": [as_json(*each) for each in value]}}
    if kind == "kvlist":
        return {"kvlistValue": {"values": [{"key": name, "value": as_json(*each)} for name, each in value]}}
    if kind in ("bytes", "double"):
        value = plain(kind, value)
    return {f"{kind}Value": str(value) if kind == "int" and value % 2 else value}


def checked(column: list[Attributes], sent: list[list[tuple[str, Any]]]) -> None:
    """Texts, single values and all values are those that were sent."""
    expected = [plain_attributes(each) for each in sent]
    encoded = [msgspec.json.encode(each) if each else b"" for each in expected]
    assert AttributesColumn(column).texts() == encoded
    assert [each.values for each in column] == expected
    user_ids = [each.get("user.id") for each in column]
    assert user_ids == [each.get("user.id") for each in expected]
    found = AttributesColumn(column).first(["user.id", "é"], lambda value: "" if value is None else str(value))
    first = [
        next((str(each[name]) for name in ("user.id", "é") if each.get(name) not in (None, "")), "")
        for each in expected
    ]
    assert (found or [""] * len(sent)) == first


@given(records)
def test_attributes_in_protobuf(sent: list[list[tuple[str, Any]]]) -> None:
    known_pairs = protobuf_values.known_pairs()
    for _ in range(2):  # new, and known
        column = [attributes(known_pairs.all([key_value(*each) for each in one])) for one in sent]
        checked(column, sent)


@given(records, st.sampled_from([(",", ":"), (", ", ": "), (",", ": ")]), st.booleans())
def test_attributes_in_json(sent: list[list[tuple[str, Any]]], separators: Any, escaped: bool) -> None:
    arrays = [
        json.dumps(
            [{"key": name, "value": as_json(*value)} for name, value in one],
            separators=separators,
            ensure_ascii=escaped,
        ).encode()
        for one in sent
    ]
    for _ in range(2):
        checked(json_values.attributes_of(arrays), sent)


def attributes(pairs: list[Pair]) -> Attributes:
    return Attributes(tuple(key for key, _ in pairs), tuple(text for _, text in pairs))


def upb(sent: bytes) -> Pair | None:
    """A pair without any short cut; None for what is no KeyValue."""
    try:
        return pair(*protobuf_values._pair(FULL["KeyValue"].FromString(sent)))
    except DecodeError:
        return None


def quick(sent: bytes) -> Pair | None:
    try:
        return protobuf_values.known_pairs().all([sent])[0]
    except DecodeError:
        return None


@given(
    names, values, st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0, 1, 2, 10, 18, 24, 33, 127, 128, 255])))
)
def test_changed_bytes_of_an_attribute_mean_what_upb_says(
    name: str, value: Any, changes: list[tuple[int, int]]
) -> None:
    sent = bytearray(key_value(name, value))
    for place, byte in changes:
        sent[place : place + 1] = bytes([byte])
    assert quick(bytes(sent)) == upb(bytes(sent))
    assert quick(bytes(sent[:-1])) == upb(bytes(sent[:-1]))


@given(values, st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 2, 10, 24, 127, 128, 200])), max_size=2))
def test_changed_bytes_of_a_body_mean_what_upb_says(value: Any, changes: list[tuple[int, int]]) -> None:
    message = FULL["AnyValue"]()
    fill(message, *value)
    sent = bytearray(message.SerializeToString())
    for place, byte in changes:
        sent[place : place + 1] = bytes([byte])
    try:
        message = FULL["AnyValue"].FromString(bytes(sent))
    except DecodeError:
        with pytest.raises(DecodeError):
            protobuf_values.body_of(bytes(sent))
        return
    kind = message.WhichOneof("value")
    expected = None if kind is None else protobuf_values._value(message)
    if kind not in (None, "string_value"):
        expected = msgspec.json.encode(expected).decode()
    assert protobuf_values.body_of(bytes(sent)) == expected


@given(values)
def test_a_body_in_json_means_what_a_parser_says(value: Any) -> None:
    for sent in (as_json(*value), {**as_json(*value), "x": '"'}):
        expected = plain(*value)
        if value[0] not in ("string", "none"):
            expected = msgspec.json.encode(expected).decode()
        assert json_values.body_of(json.dumps(sent, separators=(",", ":")).encode()) == expected


@pytest.mark.parametrize(
    "array",
    [
        b'[{"key":{"key":"a","value":{}},"value":{"intValue":1}}]',
        b'[{"key":"a","value":{"intValue":1},"key":"b"},{"key":"c","value":{"stringValue":"x"}}]',
        b'[{"key":"a"},{"key":"b","value":{"kvlistValue":{"values":[{"key":"c"},{"key":"d","value":{"intValue":1}}]}}}]',
        b'[{"key":"a","value":{"doubleValue":-0}},{"key":"b","value":{"doubleValue":1%s}}]' % (b"0" * 400),
        b'[{"key":"a","value":{"intValue":007}}]'.replace(b"007", b'"007"'),
        b'[{"key":"a","value":{"intValue":"-0"}},{"key":"b","value":{"intValue":"9223372036854775808"}}]',
        b'[null,5,{"value":{"boolValue":true}}]',
        b'[{"key":"a","value":{"kvlistValue":{"values":[{"key":\n"b","value":{"intValue":"1"}}\n]}}}]',
        b'[{"key":"a",\n"value":{"intValue":"1"}},{"key":"b","value":{"intValue":2}}]',
        b'[{"key":"a","value":{"intValue":"1"}\n},{"key":"b","value":{"intValue":2}}]',
        b'[{"key":"a","value":{"string\\u0056alue":"x"}},{"key":"b","value":{"boolValue":"true"}}]',
    ],
)
def test_odd_attributes_in_json_mean_what_a_parser_says(array: bytes) -> None:
    whole = [json_values._pair(json_values.plain(each)) for each in json_values._elements(array)]
    assert json_values.attributes_of([array]) == [attributes(whole)]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_KNOWN", 50)
    pairs: KnownPairs = protobuf_values.known_pairs()
    for number in range(500):
        sent = [
            key_value("id", ("int", number)),
            key_value("large", ("string", "x" * 300)),
            key_value("b", ("bool", True)),
        ]
        assert next(text for _, text in pairs.all(sent)) == b'"id":%d' % number
        assert len(pairs._known) <= 50
    pairs = protobuf_values.known_pairs()
    monkeypatch.setattr(known, "MOST_KNOWN", 4_096)
    pairs.all([key_value("id", ("int", number)) for number in range(500)])
    assert len(pairs._known) == known.VALUES


@given(st.binary(max_size=8), st.binary(min_size=1, max_size=2))
def test_the_search_of_the_c_library_is_that_of_python(text: bytes, part: bytes) -> None:
    assert holds(text, part) is (part in text)
    assert holds(text + part + text, part)
