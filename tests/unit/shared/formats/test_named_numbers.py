"""`NaN` and `Infinity`, as Python writes them (contracts.md, "What is valid")."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rejections import InvalidBody, MalformedJson
from shared.formats import deeptracer_logs, proliferate_errors, proliferate_logs, vercel_drain
from shared.formats.named_numbers import held, released
from tests.examples import examples
from tests.validating import Door

LOGS, ERRORS = Door(proliferate_logs), Door(proliferate_errors)
NAMES = ["NaN", "Infinity", "-Infinity"]
STRANGE = ["NaN", "a:NaN,", '"NaN"', "\\", '\\"', "-Infinity", ":", "\ud83d\ude00"]

_texts = st.sampled_from(STRANGE) | st.text(max_size=5)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _texts
python_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3), max_leaves=8
)


def log(**fields: Any) -> dict[str, Any]:
    return {"level": "info", "message": "m", **fields}


def sent(value: object) -> bytes:
    return json.dumps(value).encode()


def stored(door: Door, body: bytes) -> Any:
    return json.loads(bytes(door.validate(body).payload), parse_constant=pytest.fail)


def as_python_reads(text: bytes) -> Any:
    """The value, with the names of such numbers as texts."""
    return json.loads(text, parse_constant=str)


@examples(100)
@given(st.dictionaries(_texts, python_values, max_size=4), st.booleans())
def test_whatever_pythons_json_writes_is_stored_as_python_reads_it(attributes: dict[str, Any], spaced: bool) -> None:
    text = json.dumps({"logs": [log(attributes=attributes), log()]}, indent=1 if spaced else None).encode()
    assert stored(LOGS, text) == as_python_reads(text)["logs"]
    assert LOGS.validate(text).dropped == []
    error = json.dumps({"message": "m", "extra": attributes, "breadcrumbs": list(attributes.values())}).encode()
    assert stored(ERRORS, error) == [as_python_reads(error)]
    assert stored(ERRORS, b"[" + error + b"]") == [as_python_reads(error)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "field", ["timestamp", "line_number", "level", "message", "trace_id", "attributes", "user", "logger_name"]
)
def test_where_something_else_is_meant_that_entry_alone_is_bad(field: str, name: str) -> None:
    number = float(name.replace("Infinity", "inf"))
    validated = LOGS.validate(sent({"logs": [log(), log(**{field: number}), log(attributes={"x": number})]}))
    assert (validated.n, validated.dropped) == (2, [(1, "invalid")])
    assert list(validated.told) == [f"1:invalid_{field}"]
    assert json.loads(bytes(validated.payload))[1]["attributes"] == {"x": name}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", ["timestamp", "message", "extra", "user", "event_id", "exception"])
def test_a_single_error_with_one_in_the_place_of_something_else_is_422_and_quotes_it(field: str, name: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        ERRORS.validate(b'{"message":"m","%b":%b}' % (field.encode(), name.encode()))
    (first, *_) = json.loads(ERRORS.api.answer(refused.value).body)["detail"]
    assert first["loc"][:2] == ["body", field]
    assert first["input"] == name


@pytest.mark.parametrize("name", NAMES)
def test_in_a_frame_it_refuses_the_request(name: str) -> None:
    for body in (b'{"logs":%b}', b'{"environment":%b,"logs":[]}'):
        with pytest.raises(InvalidBody):
            LOGS.validate(body % name.encode())
    for door in (LOGS, ERRORS):
        with pytest.raises(MalformedJson):
            door.validate(b" " + name.encode())


@pytest.mark.parametrize(
    "text", ["{NaN:1}", "{NaN :1}", "[-NaN]", "[NaNNaN]", "[1NaN]", "[+Infinity]", "[nan]", "[NaN", '["NaN]', "[-]"]
)
def test_what_python_does_not_read_either_is_malformed(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Extra|Unterminated"):
        json.loads(text)
    with pytest.raises(MalformedJson):
        LOGS.validate(b'{"logs":[{"level":"info","message":"m","attributes":{"a":%b}}]}' % text.encode())


@pytest.mark.parametrize("name", NAMES)
def test_on_deeptracer_routes_it_is_no_json(name: str) -> None:
    body = b'{"logs":[{"level":"info","message":"m","metadata":{"a":%b}}]}' % name.encode()
    with pytest.raises(MalformedJson):
        Door(deeptracer_logs).validate(body)
    with pytest.raises(MalformedJson):
        Door(vercel_drain).validate(b'[{"message":"m","a":%b}]' % name.encode())


def test_the_key_of_such_a_body_is_found_and_never_travels_on() -> None:
    for door, body in (
        (LOGS, {"logs": [log(attributes={"x": float("nan")})]}),
        (ERRORS, {"message": "m", "extra": {}}),
    ):
        text = sent(body | {"x": float("inf"), "api_key": "pk_secret"})
        assert door.key_in(text) == "pk_secret"
        assert b"pk_secret" not in bytes(door.validate(text).payload)


def test_an_event_with_one_is_the_same_event_to_every_process() -> None:
    bodies = (b'{"message":"m","event_id":"e","extra":{"a":%b}}' % each for each in (b"NaN", b'"NaN"'))
    first, second = (ERRORS.validate(body).digests for body in bodies)
    assert first == second


@given(st.text())
def test_texts_are_left_alone(text: str) -> None:
    body = sent([text, "NaN"])
    assert held(body) == body == released(body)


def test_a_long_body_takes_time_in_proportion() -> None:
    for text in (b'NaN"' + b"x" * 1_000_000, b"[" + b"NaN," * 100_000 + b"-" * 100_000, b'"NaN' * 200_001):
        held(text)
