"""Vercel's entries -> log rows: the captures of `tests/fixtures/vercel`, and what may vary in them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rejections import MalformedJson
from gateway.validation.parts import Part
from shared.envelope import VERSION, Stamp
from shared.formats import vercel_drain
from shared.formats.base import Rows
from shared.formats.vercel_drain import FORMAT, Entry
from tests.bodies import junk
from tests.examples import examples
from tests.validating import Door

FIXTURES = Path(__file__).parents[3] / "fixtures" / "vercel"
CAPTURES = {path.stem: json.loads(path.read_text()) for path in sorted(FIXTURES.glob("*.json"))}
NOW_US = 1_790_000_000_000_000

SPEED = {
    "schema": "vercel.speed_insights.v1",
    "timestamp": "2023-09-14T15:30:00.000Z",
    "projectId": "prj_x",
    "deviceId": 12345,
    "metricType": "CLS",
    "value": 0.1,
    "path": "/dashboard",
    "vercelEnvironment": "preview",
}
ANALYTICS = {
    "schema": "vercel.analytics.v1",
    "eventType": "event",
    "eventName": "button_click",
    "eventData": '{"button":"signup"}',
    "timestamp": 1694723400000,
    "path": "/pricing",
}

many = examples(80)
DOOR = Door(vercel_drain)
validate = DOOR.validate


def rows_of(validated: Part) -> list[dict[str, Any]]:
    """The rows that the writer makes of validated entries, `attributes` as an object."""
    entries = msgspec.json.decode(validated.payload, type=list[Entry])
    assert len(entries) == validated.n
    stamp = Stamp(v=VERSION, format=FORMAT.name, project_id="p", received_at=NOW_US, retention_days=30, n=len(entries))
    rows = Rows()
    rows.add(stamp, entries)
    columns = FORMAT.columns(rows) if entries else {}
    made = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for index, row in enumerate(made):
        row["attributes"] = json.loads(row["attributes"])
        row["extra"] = json.loads(msgspec.json.encode(rows.notes.get(index, {})))
    return made


def row_of(entry: object) -> dict[str, Any]:
    [row] = rows_of(validate(json.dumps([entry]).encode()))
    return row


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


def test_a_lambda_keeps_its_whole_message_its_trace_and_everything_else() -> None:
    message = "START RequestId: 643af4e3 Version: $LATEST\nhello\nEND RequestId: 643af4e3\nREPORT Duration: 2 ms\n"
    row = row_of(CAPTURES["lambda"] | {"message": message})
    taken = {"timestamp", "level", "message", "environment", "projectName", "requestId"}
    taken |= {"traceId", "spanId", "trace.id", "span.id"}
    assert row == {
        "timestamp": 1573817250283000,
        "level": "info",
        "severity_number": 9,
        "message": message,
        "service": "my-app-abc123.vercel.app",
        "environment": "production",
        "trace_id": "1b02cd14bb8642fd092bc23f54c7ffcd",
        "span_id": "f24e8631bd11faa7",
        "request_id": "643af4e3-975a-4cc7-9e7a-1eda11539d90",
        "vercel_id": "",
        "attributes": {key: value for key, value in CAPTURES["lambda"].items() if key not in taken},
        "extra": {},
    }


def test_a_static_entry_without_level_and_message_is_its_request_line() -> None:
    row = row_of(CAPTURES["static_no_level_no_message"])
    assert (row["level"], row["message"]) == ("info", "GET /_next/static/media/x-s.p.woff2 200")
    assert (row["service"], row["environment"]) == ("example", "production")
    assert row["attributes"]["path"] == "_next/static/media/x-s.p.woff2"
    assert row["attributes"]["id"] == "1706327928080727830237235800"


def test_build_and_edge_entries_are_logs_of_their_project() -> None:
    build, edge = row_of(CAPTURES["build"]), row_of(CAPTURES["edge_middleware"])
    assert (build["service"], build["message"]) == ("my-app", "Build completed successfully")
    assert (edge["service"], edge["message"]) == ("example", '[GET] [middleware: "middleware"] / status=200')
    assert build["attributes"]["buildId"] == "bld_cotnkcr76"


def test_vercels_id_of_a_request_is_its_requests_or_the_proxys() -> None:
    static, edge = row_of(CAPTURES["static_no_level_no_message"]), row_of(CAPTURES["edge_middleware"])
    assert (static["request_id"], static["vercel_id"]) == (
        "cpt1::fjtmz-1706327928072-6ecc9b4dfbf3",
        "fjtmz-1706327928072-6ecc9b4dfbf3",
    )
    assert edge["vercel_id"] == "abc1-1706327928072-6ecc9b4dfbf3"
    proxy = CAPTURES["lambda"]["proxy"] | {"vercelId": "sfo1::iad1::fjtmz-1706327928072-6ecc9b4dfbf3"}
    function = row_of(CAPTURES["lambda"] | {"proxy": proxy})
    assert function["request_id"] == "643af4e3-975a-4cc7-9e7a-1eda11539d90"
    assert function["vercel_id"] == "fjtmz-1706327928072-6ecc9b4dfbf3"
    assert function["attributes"]["proxy"] == proxy


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"level": "warning"}, "warn"),
        ({"level": "ERROR"}, "error"),
        ({"level": "fatal"}, "fatal"),
        ({"level": None}, "info"),
        ({"level": None, "statusCode": 500}, "error"),
        ({"level": None, "statusCode": 499}, "info"),
        ({"level": None, "statusCode": None, "proxy": {"statusCode": 503}}, "error"),
        ({"level": None, "type": "stderr"}, "error"),
        ({"level": "catastrophe", "type": "stderr"}, "error"),
    ],
)
def test_a_level_is_named_or_follows_from_status_and_stream(changes: dict[str, Any], level: str) -> None:
    assert row_of(CAPTURES["lambda"] | changes)["level"] == level


@pytest.mark.parametrize("key", ["traceId", "trace.id"])
def test_either_name_of_a_trace_id_is_enough(key: str) -> None:
    assert row_of({"message": "x", key: "abc"})["trace_id"] == "abc"


def test_speed_insights_are_logs_with_their_fields_as_attributes() -> None:
    row = row_of(SPEED)
    assert (row["level"], row["message"], row["environment"]) == ("info", "CLS 0.1 /dashboard", "preview")
    assert row["timestamp"] == at("2023-09-14T15:30:00+00:00")
    assert row["attributes"] == SPEED


def test_analytics_are_logs_with_their_fields_as_attributes() -> None:
    row = row_of(ANALYTICS)
    assert (row["level"], row["message"]) == ("info", "event button_click /pricing")
    assert row["timestamp"] == 1694723400000_000
    assert row["attributes"] == ANALYTICS


@pytest.mark.parametrize("timestamp", ["yesterday", True, {}, [1]])
def test_a_timestamp_that_is_none_stays_an_attribute(timestamp: object) -> None:
    row = row_of({"message": "x", "timestamp": timestamp})
    assert (row["timestamp"], row["attributes"]) == (NOW_US, {"timestamp": timestamp})


def test_a_timestamp_of_a_wrong_clock_is_kept_beside_the_time_of_receipt() -> None:
    late = NOW_US // 1000 + 11 * 60 * 1000
    row = row_of({"message": "x", "timestamp": late})
    assert (row["timestamp"], row["extra"]) == (NOW_US, {"timestamp": late})


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\n\n"])
def test_an_array_lines_and_single_objects_say_the_same(separator: bytes) -> None:
    texts = [json.dumps(entry).encode() for entry in CAPTURES.values()]
    wanted = [row_of(entry) for entry in CAPTURES.values()]
    assert rows_of(validate(b"[" + b",".join(texts) + b"]")) == wanted
    assert rows_of(validate(separator.join(texts) + separator)) == wanted
    assert [rows_of(validate(text)) for text in texts] == [[row] for row in wanted]


def test_bad_entries_are_dropped_and_the_good_ones_taken() -> None:
    validated = validate(b'[{"message":"a"}, 5, null, "x", [{}], {"message":"b"}]')
    assert [row["message"] for row in rows_of(validated)] == ["a", "b"]
    assert validated.dropped == [(index, "invalid") for index in (1, 2, 3, 4)]


def test_a_broken_line_is_dropped_and_the_good_ones_taken() -> None:
    validated = validate(b'{"message":"a"}\n{"message":"b\n{"message":"c"}')
    assert [row["message"] for row in rows_of(validated)] == ["a", "c"]
    assert validated.dropped == [(1, "invalid")]


def test_an_entry_over_512_kb_is_dropped_and_the_others_taken() -> None:
    validated = validate(json.dumps([{"message": "x" * 512_000}, {"message": "small"}]).encode())
    assert ([row["message"] for row in rows_of(validated)], validated.dropped) == (["small"], [(0, "too_large")])


@pytest.mark.parametrize("body", [b"hello", b"{", b"<html>", b"[{]"])
def test_a_body_without_any_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        validate(body)


@pytest.mark.parametrize("body", [b'{"api_key":"k","message":"a"}', b'[{"message":"a","api\\u005fkey":"k"}]'])
def test_a_key_in_the_body_never_travels_on(body: bytes) -> None:
    validated = validate(body)
    assert [row["attributes"] for row in rows_of(validated)] == [{}]
    assert b"k" not in bytes(validated.payload).replace(b"key", b"")


def test_the_key_of_a_body_is_that_of_its_first_entry() -> None:
    key_in = DOOR.key_in
    assert key_in(b'{"api_key":"k"}\n{"message":"b"}') == key_in(b'[{"api_key":"k"}]') == "k"
    assert key_in(b"[]") is key_in(b'{"message":"a"}\n{"api_key":"k"}') is key_in(b"[5]") is None


@many
@given(st.sampled_from([*CAPTURES.values(), SPEED, ANALYTICS]), st.data())
def test_any_field_may_be_absent_null_or_strange(entry: dict[str, Any], data: st.DataObject) -> None:
    names = st.sampled_from(sorted(entry))
    gone = data.draw(st.sets(names))
    strange = data.draw(st.dictionaries(names | st.sampled_from(["traceId", "level", "proxy"]), junk, max_size=4))
    sent = {key: value for key, value in entry.items() if key not in gone} | strange
    row = row_of(sent)
    assert row["level"] in {"trace", "debug", "info", "warn", "error", "fatal"}
    assert isinstance(row["message"], str)
    stored = json.dumps([*row.values()])
    for key in ("id", "deploymentId", "source"):
        if isinstance(sent.get(key), str):
            assert json.dumps(sent[key])[1:-1] in stored


@many
@given(st.lists(st.sampled_from([*CAPTURES.values()]) | junk, max_size=6))
def test_every_entry_is_a_row_or_counted(entries: list[Any]) -> None:
    validated = validate(json.dumps(entries).encode())
    assert validated.n + len(validated.dropped) == len(entries)
    assert len(rows_of(validated)) == validated.n == sum(isinstance(entry, dict) for entry in entries)


def test_captures_are_of_this_century() -> None:
    for entry in CAPTURES.values():
        assert datetime(2000, 1, 1, tzinfo=UTC).timestamp() < row_of(entry)["timestamp"] / 1e6 < NOW_US / 1e6
