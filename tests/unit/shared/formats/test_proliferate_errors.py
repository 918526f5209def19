"""`POST /api/v1/errors`: bodies of both clients -> what travels on, and the rows of it
(contracts.md, "`POST /api/v1/errors`")."""

import json
from typing import Any

import msgspec
import pytest

from gateway.http.ids import header_of
from gateway.rejections import InvalidBody, MalformedJson
from gateway.validation.parts import Part
from shared.envelope import VERSION, Stamp
from shared.fingerprint import CURRENT
from shared.formats import proliferate_errors
from shared.formats.base import Rows
from shared.formats.proliferate_errors import FORMAT, PING, Error
from tests.validating import Door

NOW_US = 1_790_000_000_000_000
TRACEBACK = 'Traceback (most recent call last):\n  File "/app/src/pay.py", line 3, in pay\nValueError: no money\n'

FIRST_SHAPE = {
    "api_key": "pk_x",
    "event_id": "0b6d2f64-9f0e-4f0a-8c9b-111111111111",
    "timestamp": "2026-02-23T10:00:00.123456+00:00",
    "environment": "staging",
    "release": "1.2.3",
    "type": "exception",
    "level": "error",
    "exception": {"type": "ValueError", "message": "no money", "stack": TRACEBACK},
    "user": {"id": "u1", "email": "a@b.c", "plan": "pro"},
    "account": {"id": 7, "name": "Acme"},
    "url": "https://x/y",
    "extra": {"tags": {"a": 1}, "order": 5},
}
SECOND_SHAPE = {
    "event_id": "8f3c" * 8,
    "timestamp": "2026-02-23T10:00:00+00:00",
    "platform": "python",
    "release": None,
    "environment": "production",
    "session_id": "s1",
    "window_id": None,
    "trace_id": "t1",
    "exception": {"type": "ValueError", "value": "no money", "stacktrace": TRACEBACK, "mechanism": {"handled": True}},
    "context": {
        "user": {"id": "u1", "email": "a@b.c", "username": None, "ip_address": None},
        "tags": {"feature": "checkout"},
    },
}

validator = Door(proliferate_errors)


def validate(body: object) -> Part:
    return validator.validate(json.dumps(body).encode())


def rows_of(validated: Part) -> list[dict[str, Any]]:
    """The rows that the writer makes of validated records."""
    records = msgspec.json.decode(validated.payload, type=list[Error])
    ids = tuple(each or f"made-{index}" for index, each in enumerate(validated.event_ids))
    stamp = Stamp(
        v=VERSION,
        format=FORMAT.name,
        project_id="p",
        received_at=NOW_US,
        retention_days=30,
        n=validated.n,
        event_ids=ids,
        fingerprint_version=CURRENT,
    )
    rows = Rows()
    rows.add(stamp, records)
    columns = FORMAT.columns(rows)
    made = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for index, row in enumerate(made):
        row["extra"] = json.loads(msgspec.json.encode(rows.notes.get(index, {})))
    return made


def row_of(body: object) -> dict[str, Any]:
    [row] = rows_of(validate(body))
    return row


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_the_first_clients_shape_fills_its_columns() -> None:
    row = row_of(FIRST_SHAPE)
    assert without(row, "fingerprint", "fingerprint_parts") == {
        "timestamp": 1771840800123456,
        "environment": "staging",
        "release": "1.2.3",
        "trace_id": "",
        "event_id": FIRST_SHAPE["event_id"],
        "fingerprint_version": CURRENT,
        "type": "ValueError",
        "error_message": "no money",
        "stack_trace": TRACEBACK,
        "severity": "high",
        "level": "error",
        "attributes": b'{"tags": {"a": 1}, "order": 5}',
        "user_id": "u1",
        "user_email": "a@b.c",
        "user": b'{"plan":"pro"}',
        "account_id": "7",
        "account_name": "Acme",
        "account": "",
        "url": "https://x/y",
        "user_agent": "",
        "session_id": "",
        "window_id": "",
        "digest": "",
        "vercel_id": "",
        "breadcrumbs": b"",
        "platform": "",
        "handled": 0,
        "extra": {},
    }


def test_the_second_clients_shape_fills_the_same_columns() -> None:
    row = row_of(SECOND_SHAPE)
    wanted = {
        "event_id": SECOND_SHAPE["event_id"],
        "type": "ValueError",
        "error_message": "no money",
        "stack_trace": TRACEBACK,
        "severity": "high",
        "level": "",
        "user_id": "u1",
        "user_email": "a@b.c",
        "user": "",
        "session_id": "s1",
        "window_id": "",
        "digest": "",
        "vercel_id": "",
        "trace_id": "t1",
        "platform": "python",
        "handled": 1,
        "extra": {"mechanism": {"handled": True}},
    }
    assert {name: row[name] for name in wanted} == wanted
    assert json.loads(row["attributes"]) == SECOND_SHAPE["context"]
    assert row["fingerprint"] == row_of(FIRST_SHAPE)["fingerprint"]


def test_a_user_that_is_itself_the_id_is_unwrapped() -> None:
    who = {"id": {"id": 5, "email": "a@b.c", "plan": "pro"}, "email": None, "username": "al", "ip_address": None}
    row = row_of(SECOND_SHAPE | {"context": {"user": who}})
    assert (row["user_id"], row["user_email"]) == ("5", "a@b.c")
    assert json.loads(row["user"]) == {"plan": "pro", "username": "al"}


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("fatal", "critical"),
        ("error", "high"),
        ("warning", "medium"),
        ("Warning", "medium"),
        ("info", "low"),
        ("debug", "low"),
        ("whatever", "low"),
    ],
)
def test_the_severity_follows_from_the_level_which_is_kept_as_sent(level: str, severity: str) -> None:
    row = row_of(FIRST_SHAPE | {"level": level})
    assert (row["severity"], row["level"]) == (severity, level)


def test_a_message_without_a_level_is_low() -> None:
    assert row_of({"type": "message", "message": "hello"})["severity"] == "low"


def test_a_message_has_a_fingerprint_of_its_own() -> None:
    said, same, other = (row_of({"type": "message", "message": f"boom {n}"}) for n in (1, 2, "x"))
    thrown = row_of({"exception": {"message": "boom 1"}})
    assert said["fingerprint"] == same["fingerprint"]
    assert len({row["fingerprint"] for row in (said, other, thrown)}) == 3
    assert (said["type"], said["error_message"], said["stack_trace"]) == ("message", "boom 1", "")


FRAMES = [
    {"function": "pay", "filename": "/app/src/pay.js", "lineno": 3, "colno": 9},
    {"function": None, "filename": "/app/src/route.js", "lineno": 10},
]


@pytest.mark.parametrize("frames", [FRAMES, {"frames": FRAMES}])
@pytest.mark.parametrize("name", ["stack", "stacktrace"])
def test_frames_become_a_text_in_the_order_sent(name: str, frames: object) -> None:
    row = row_of({"exception": {"type": "TypeError", "value": "x is null", name: frames}})
    assert row["stack_trace"] == (
        "TypeError: x is null\n    at pay (/app/src/pay.js:3:9)\n    at <anonymous> (/app/src/route.js:10)"
    )
    assert '["pay@pay' in row["fingerprint_parts"]


def test_an_id_of_the_clients_is_kept_and_a_missing_one_left_to_the_gateway() -> None:
    thrown = {"exception": {}}
    ids = validate([thrown | {"event_id": "x" * 128}, thrown, thrown | {"event_id": None}]).event_ids
    assert ids == ["x" * 128, "", ""]


def test_an_id_can_forge_no_header() -> None:
    assert header_of(["0b6d-2f", "a,b\r\nSet-Cookie: x", "ä%"]) == b"0b6d-2f,a%2Cb%0D%0ASet-Cookie:%20x,%C3%A4%25"


def test_ids_that_would_make_a_head_too_long_for_clients_are_left_out_from_the_first_that_does_not_fit() -> None:
    named = header_of(["é" * 128] * 100).split(b",")
    assert named == [b"%C3%A9" * 128] * 10
    assert len(header_of([f"{n:036}" for n in range(100)]).split(b",")) == 100


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, {"type": "missing", "loc": ["body", "exception"], "msg": "Field required", "input": {}}),
        ({"type": "exception", "message": "m"}, {"type": "missing", "loc": ["body", "exception"]}),
        ({"type": "message"}, {"type": "missing", "loc": ["body", "message"]}),
        ({"type": "event", "message": "m"}, {"type": "literal_error", "loc": ["body", "type"]}),
        ({"message": 5}, {"type": "string_type", "loc": ["body", "message"]}),
        ({"exception": "x"}, {"type": "model_attributes_type", "loc": ["body", "exception"]}),
        ({"exception": {}, "event_id": "x" * 129}, {"type": "string_too_long", "loc": ["body", "event_id"]}),
        ({"exception": {}, "timestamp": "soon"}, {"loc": ["body", "timestamp", "datetime"]}),
        ([{}] * 101, {"type": "too_long", "loc": ["body"]}),
        (5, {"type": "model_attributes_type", "loc": ["body"]}),
    ],
)
def test_a_bad_single_object_and_too_many_are_422(body: object, detail: dict[str, Any]) -> None:
    with pytest.raises(InvalidBody) as refused:
        validate(body)
    answer = validator.api.answer(refused.value)
    answered = json.loads(answer.body)["detail"][0]
    assert (answer.status, {name: answered[name] for name in detail}) == (422, detail)


def test_what_is_no_json_is_422() -> None:
    for body in (b"", b"{", b"[{},"):
        with pytest.raises(MalformedJson):
            validator.validate(body)


def test_a_bad_element_is_dropped_and_named() -> None:
    validated = validate([{"exception": {}}, 5, {"message": []}, {"type": "message"}, {"message": "ok"}])
    assert (validated.n, len(rows_of(validated))) == (2, 2)
    assert validated.dropped == [(1, "invalid"), (2, "invalid"), (3, "invalid")]
    assert ", ".join(validated.told) == "1:not_an_object, 2:invalid_message, 3:missing_message"


def test_an_empty_array_is_nothing() -> None:
    validated = validate([])
    assert (validated.n, validated.dropped, bytes(validated.payload)) == (0, [], b"[]")


def test_an_element_with_another_key_is_dropped() -> None:
    said = {"message": "m"}
    validated = validate([said | {"api_key": "a"}, said | {"api_key": "b"}, said, said | {"api_key": "a"}])
    assert (validated.n, validated.dropped) == (3, [(1, "wrong_key")])
    validated = validate([{"api_key": "a"}, said | {"api_key": "b"}])
    assert (validated.n, validated.dropped) == (0, [(0, "invalid"), (1, "wrong_key")])


@pytest.mark.parametrize(
    "body",
    [
        b'{"message":"m","api_key":"pk_secret"}',
        b'[{"message":"m","api_key":"pk_secret"}]',
        b'{"message":"m","api\\u005fkey":"pk_secret","timestamp":"2026-02-23 10:00:00z"}',
        b'[{"message":"m","api_key":null,"api\\u005fkey":"pk_secret"}]',
        b'\xef\xbb\xbf[{"message":"\\ud800","api_key":"pk_secret"}]',
    ],
)
def test_the_key_never_travels_on(body: bytes) -> None:
    assert validator.key_in(body) == "pk_secret"
    validated = validator.validate(body)
    assert (validated.n, b"pk_secret" in bytes(validated.payload)) == (1, False)


def test_the_key_of_an_array_is_that_of_its_first_element() -> None:
    assert validator.key_in(b'[{"api_key":"a"},{"api_key":"b"}]') == "a"
    assert validator.key_in(b'[{},{"api_key":"b"}]') is validator.key_in(b"[]") is validator.key_in(b"[5]") is None


def test_the_ping_of_an_sdk_is_counted_and_not_stored() -> None:
    ping = {"type": "message", "level": "info", "message": PING, "event_id": "e"}
    alone, among = validate(ping), validate([{"message": "m"}, ping])
    assert (alone.n, alone.pings, alone.event_ids, bytes(alone.payload)) == (0, 1, [], b"[]")
    assert (among.n, among.pings, among.event_ids, among.dropped) == (1, 1, [""], [])


def test_an_exception_that_says_the_pings_words_is_stored() -> None:
    assert validate({"exception": {"message": PING}}).n == 1


def test_a_record_over_512_kb_is_dropped() -> None:
    large = {"message": "x" * 512_000}
    assert validate(large).dropped == [(0, "too_large")]
    validated = validate([large, {"message": "small"}])
    assert (validated.n, validated.dropped) == (1, [(0, "too_large")])


def test_a_time_that_is_too_late_or_too_strange_is_kept_beside_the_time_of_receipt() -> None:
    for sent in ("2299-01-01T00:00:00Z", "0000-01-01T00:00:00Z"):
        row = row_of(FIRST_SHAPE | {"timestamp": sent})
        assert row["timestamp"] == NOW_US
        assert row["extra"]["timestamp"].startswith(sent[:10])


def test_unix_seconds_and_lower_case_times_are_times() -> None:
    for sent in (1771840800, 1771840800000, "2026-02-23 10:00:00z", "2026-02-23T10:00:00"):
        assert row_of(FIRST_SHAPE | {"timestamp": sent})["timestamp"] == 1771840800_000_000


def test_breadcrumbs_travel_as_sent() -> None:
    crumbs = '[ {"a":1.50} ]'
    body = b'{"message":"m","breadcrumbs":%s}' % crumbs.encode()
    [row] = rows_of(validator.validate(body))
    assert row["breadcrumbs"] == crumbs.encode()
