"""What msgspec refuses and the contract allows is accepted and stored as meant (contracts.md, "What is valid")."""

import json
from typing import Any

import msgspec
import pytest

from gateway.rejections import InvalidBody, MalformedJson, TooLarge
from gateway.validation.sizes import MAX_RECORD_BYTES, MAX_VALUES
from shared.envelope import VERSION, Stamp
from shared.formats import deeptracer_errors, deeptracer_llm, deeptracer_logs, deeptracer_traces
from shared.formats.base import Columns, Format, Rows
from shared.formats.values import limit_text
from shared.signals.logs import LOGS
from tests.validating import Door

VALIDATOR = Door(deeptracer_logs)
ERRORS = Door(deeptracer_errors)
RECEIVED = 1_790_000_000_000_000


def body(*members: str) -> bytes:
    """One log: `level`, `message` and further members as they are written."""
    return ('{"logs":[{"level":"info","message":"m",' + ",".join(members) + "}]}").encode()


def record(text: bytes) -> Any:
    (made,) = json.loads(bytes(VALIDATOR.validate(text).payload))
    return made


def stored(text: bytes) -> tuple[Columns, Rows]:
    """The columns of a body's logs, as the writer makes them."""
    fmt: Format = deeptracer_logs.FORMAT
    records = msgspec.json.decode(VALIDATOR.validate(text).payload, type=list[deeptracer_logs.Log])
    rows = Rows()
    rows.add(Stamp(v=VERSION, format=fmt.name, project_id="p", received_at=RECEIVED, retention_days=30, n=1), records)
    columns = fmt.columns(rows)
    limit_text(LOGS, columns, rows)
    return columns, rows


@pytest.mark.parametrize(
    ("sent", "microseconds"),
    [
        ("2026-02-23T00:00Z", 1771804800_000000),
        ("2026-02-23T01:30+0130", 1771804800_000000),
        ("2026-02-23T00:00:00+24:00", 1771718400_000000),
        ("2026-02-26T04:39:00+99:99", 1771718400_000000),
        ("2026-02-23T00:00:00.1234567890123456789Z", 1771804800_123456),
        ("1999-12-31T23:59:59.9999999Z", 946684799_999999),
    ],
)
def test_a_time_that_zod_takes_is_stored_to_the_microsecond(sent: str, microseconds: int) -> None:
    columns, rows = stored(body(f'"timestamp":"{sent}"'))
    assert columns["timestamp"] == [microseconds]
    assert rows.notes == {}


@pytest.mark.parametrize("sent", ["0000-02-29T00:00Z", "0001-01-01T00:00:00+24:00", "9999-12-31T23:59:59.9999999Z"])
def test_a_time_that_no_datetime_holds_is_kept_as_it_was_sent(sent: str) -> None:
    columns, rows = stored(body(f'"timestamp":"{sent}"'))
    assert columns["timestamp"] == [RECEIVED]
    assert rows.notes == {0: {"timestamp": sent}}


def test_of_equal_keys_the_last_one_stands() -> None:
    assert record(body('"level":5', '"level":"warn"'))["level"] == "warn"
    made = VALIDATOR.validate(b'{"service":5,"logs":5,"service":"s","logs":[{"level":"info","message":"m"}]}')
    assert (made.service, made.n) == ("s", 1)
    with pytest.raises(InvalidBody):
        VALIDATOR.validate(body('"trace_id":"t"', '"trace_id":5'))


@pytest.mark.parametrize("lone", [r"\ud800", r"\udc00", r"\uDFFF\uD800", r"\ud800x"])
def test_lone_surrogates_become_the_replacement_character(lone: str) -> None:
    made = record(body(f'"trace_id":"a{lone}"', rf'"metadata":{{"{lone}":"\\ud800 \ud83d\ude00"}}'))
    expected = json.loads(f'"{lone}"').encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert made["trace_id"] == f"a{expected}"
    assert made["metadata"] == {expected: r"\ud800 " + "😀"}


def test_invalid_utf8_becomes_the_replacement_character_in_fields_that_nobody_looks_at_too() -> None:
    text = body('"trace_id":"a?"', '"metadata":{"b?":"?"}', '"more?":"?"').replace(b"?", b"\xff")
    assert record(text) == {
        "level": "info",
        "message": "m",
        "trace_id": "a\ufffd",
        "metadata": {"b\ufffd": "\ufffd"},
        "more\ufffd": "\ufffd",
    }


def test_a_byte_order_mark_is_stripped() -> None:
    assert VALIDATOR.validate(b"\xef\xbb\xbf" + body('"context":"c"')).n == 1


def test_nul_is_stored_as_the_replacement_character_in_columns_and_left_alone_in_attributes() -> None:
    columns, _ = stored(body(r'"trace_id":"a\u0000b"', r'"metadata":{"a":"\u0000"}'))
    assert columns["trace_id"] == ["a\ufffdb"]
    assert columns["attributes"] == [rb'{"a":"\u0000"}']


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400, "9" * 5000])
def test_a_number_that_no_double_holds_is_no_json(number: str) -> None:
    call = f'{{"model":"m","provider":"p","operation":"o","input_tokens":1,"output_tokens":1,"latency_ms":{number}}}'
    with pytest.raises(MalformedJson):
        Door(deeptracer_llm).validate(call.encode())


def test_such_a_number_in_the_metadata_of_a_user_does_no_harm() -> None:
    columns, _ = stored(body('"metadata":{"user":{"id":1e400,"email":"e","more":1e400}}'))
    assert (columns["user_id"], columns["user_email"]) == ([""], ["e"])


@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
def test_what_is_nested_too_deeply_is_no_json(opened: bytes) -> None:
    closed = b"]" if opened == b"[" else b"}"
    with pytest.raises(MalformedJson):
        VALIDATOR.validate(
            b'{"logs":[{"level":"info","message":"m","metadata":{"a":' + opened * 100_000 + b"1" + closed
        )
    with pytest.raises(MalformedJson):
        VALIDATOR.validate(opened * 100_000 + b"1" + closed * 100_000)


def test_what_needs_no_mending_stays_byte_for_byte() -> None:
    rest = rb'"message":"\u0041","metadata":{"n":1.10e1,"n":2,"b":-0,"http.status_code":"\/"},"unknown":[ 1 ]'
    made = VALIDATOR.validate(b'{"logs":[{"level":"info","timestamp":"2026-02-23T00:00Z",' + rest + b"}]}")
    assert bytes(made.payload).endswith(rest + b"}]")


@pytest.mark.parametrize("extra", [b"", rb',"trace_id":"\ud800"', b',"severity":5,"severity":"low"'])
def test_the_key_never_travels_on(extra: bytes) -> None:
    text = b'{"error_message":"m","api_key":"dt_secret","stack_trace":"s","api_key":{"x":"dt_secret"}' + extra + b"}"
    made = ERRORS.validate(text)
    assert b"dt_secret" not in bytes(made.payload)
    assert made.prints_of == [("m", "s", "")]


@pytest.mark.parametrize("surplus", [0, 1])
@pytest.mark.parametrize("seconds", [":00", ""])
def test_a_record_over_the_limit_refuses_the_request(surplus: int, seconds: str) -> None:
    log = {"level": "info", "message": "", "timestamp": f"2026-02-23T00:00{seconds}Z"}
    short = MAX_RECORD_BYTES - len(json.dumps(log)) + surplus
    text = json.dumps({"logs": [log, log | {"message": "m" * short}]}).encode()
    if surplus:
        with pytest.raises(TooLarge):
            VALIDATOR.validate(text)
    else:
        assert VALIDATOR.validate(text).n == 2


def test_a_span_over_the_limit_is_too_large_whatever_else_is_wrong_with_it() -> None:
    for message in (b'"m"', b"5"):
        with pytest.raises(TooLarge):
            ERRORS.validate(b'{"error_message":' + message + b',"stack_trace":"' + b"s" * MAX_RECORD_BYTES + b'"}')


def test_more_values_than_memory_should_hold_are_too_large() -> None:
    with pytest.raises(TooLarge):
        VALIDATOR.validate(b'{"logs":[' + b"0," * MAX_VALUES + b"0]}")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b'{"api_key":"k"}', "k"),
        (b'{"api_key":5,"logs":"wrong","api_key":"k"}', "k"),
        (b'\xef\xbb\xbf{"api_key":"k","a":"\\ud800"}', "k"),
        (rb'{"api_key":"\ud800"}', "\ufffd"),
        (b'{"api_key":"\xff"}', "\ufffd"),
        (b"{}", None),
        (b'{"api_key":null}', None),
        (b'{"api_key":5}', None),
        (b'{"api_key":1e400}', None),
        (b'[{"api_key":"k"}]', None),
        (b"5", None),
    ],
)
def test_the_key_is_found_whatever_else_is_wrong(text: bytes, key: str | None) -> None:
    assert VALIDATOR.key_in(text) == key


@pytest.mark.parametrize("text", [b"", b"{", b'{"api_key":"k"', b"[1,", b"[" * 100_000])
def test_a_key_in_what_is_no_json_is_none(text: bytes) -> None:
    with pytest.raises(MalformedJson):
        VALIDATOR.key_in(text)


def test_a_time_is_mended_in_a_single_record_too() -> None:
    span = {"trace_id": "t", "span_id": "s", "operation": "o", "start_time": "2026-02-23T01:00+0100", "duration_ms": 1}
    made = Door(deeptracer_traces).validate(json.dumps(span | {"api_key": "k"}).encode())
    assert json.loads(bytes(made.payload)) == [span | {"start_time": "2026-02-23T00:00:00+00:00"}]
