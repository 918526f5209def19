"""LogRecord -> row (contracts.md, "LogRecords")."""

import json
from typing import Any

import pytest

from shared.formats.otlp.json_text import OtlpJson
from shared.formats.otlp.protobuf import Protobuf
from shared.formats.otlp.schema import FULL
from tests.unit.shared.formats.otlp.table import RECEIVED, rows_in, rows_of

SENT = 1_795_643_000_123_456


def rows_of_logs(*logs: Any, resource: Any = None, scope: Any = None) -> list[dict[str, Any]]:
    request = FULL["Logs"]()
    made = request.resources.add(resource=resource)
    made.scopes.add(records=logs, scope=scope)
    return rows_in(Protobuf("Logs"), request.SerializeToString())


def test_pythons_logs() -> None:
    placed, boom, ordered, bare = rows_of("python-logs.pb")
    assert [row["level"] for row in (placed, boom, ordered, bare)] == ["info", "error", "warn", "info"]
    assert (placed["service"], placed["environment"], placed["release"]) == ("checkout", "staging", "1.4.2")
    assert json.loads(placed["resource"])["service.instance.id"] == "inst-1"
    assert (placed["message"], placed["logger_name"], placed["line_number"]) == ("order 42 placed", "shop.py", 45)
    assert placed["file_path"] == "/srv/shop/current/otlp_py.py"
    assert json.loads(placed["attributes"])["nested"] == {"a": [1, None, "x"]}
    assert json.loads(boom["attributes"])["exception.type"] == "ZeroDivisionError"
    assert (ordered["message"], ordered["event_name"]) == ('{"msg":"structured","n":1}', "order.created")
    assert json.loads(ordered["attributes"]) == {"k": "v", "bytes": "AP8=", "none": None}
    assert 0 < bare["timestamp"] < RECEIVED


@pytest.mark.parametrize("name", ["node-logs.json", "node-logs.pb"])
def test_nodes_logs_are_the_same_in_both_encodings(name: str) -> None:
    signed_in, structured = rows_of(name)
    assert (signed_in["service"], signed_in["environment"], signed_in["release"]) == ("web", "preview", "3.0.0")
    assert signed_in["attributes"] == b'{"user.id":42,"nested":{"a":[1,null,"x"]},"buf":"AP8="}'
    assert (signed_in["user_id"], signed_in["severity_number"], signed_in["level"]) == ("42", 9, "info")
    assert signed_in["extra"] == {"scope_version": "1.0"}
    assert (structured["message"], structured["level"]) == ('{"msg":"structured","deep":{"n":1.5}}', "error")
    assert (structured["event_name"], structured["attributes"]) == ("x.y", b"")


def test_every_kind_of_attribute() -> None:
    (row,) = rows_of("edge/attribute-kinds.pb")
    assert row["attributes"].decode() == (
        '{"str":"v","empty":"","true":true,"false":false,"int":9223372036854775807,"neg":-1,"zero":0,"dbl":0.1,'
        '"nan":"NaN","inf":"-Infinity","bytes":"AP8=","null":null,"dup":"second","":"empty key",'
        '"nul\ufffd":"a\ufffdb","arr":[1,null,"x"],"map":{"a":[]}}'
    )


def test_severities() -> None:
    rows = rows_of("edge/severities.pb")
    assert [row["level"] for row in rows] == ["info", "warn", "fatal", "info", "fatal", "info", "debug", "info"]
    assert [row["severity_number"] for row in rows] == [9, 13, 21, 10, 24, 9, 5, 9]
    assert [row["extra"].get("severity_number") for row in rows] == [None] * 5 + [25, -1, None]


def test_times() -> None:
    rows = rows_of("edge/times.pb")
    assert [row["timestamp"] for row in rows] == [1_795_643_000_000_000, RECEIVED, RECEIVED, 0]
    assert [list(row["extra"]) for row in rows] == [[], [], ["timestamp"], []]


def test_json_in_all_its_spellings() -> None:
    text, number, empty = rows_of("edge/logs.json")
    assert text["attributes"] == b'{"i":9007199254740993,"d":"NaN","b":"AP8=","n":null,"m":null}'
    assert (text["trace_id"], text["span_id"]) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert text["timestamp"] == number["timestamp"] == SENT
    assert (empty["timestamp"], empty["environment"]) == (RECEIVED, "production")


@pytest.mark.parametrize(
    ("sent", "value"),
    [("1e300", 1e300), ("-1e300", -1e300), (str(2**63), 2.0**63), ('"1e20"', None), (str(-(2**63)), -(2**63))],
)
def test_integers_over_64_bits_of_sdks_of_javascript_are_doubles(sent: str, value: Any) -> None:
    attributes = '[{"key":"n","value":{"intValue":' + sent + "}}]"
    log = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":' + attributes + "}]}]}]}"
    (row,) = rows_in(OtlpJson("Logs"), log.encode())
    assert json.loads(row["attributes"]) == {"n": value}


def test_numbers_that_no_column_holds_are_noted_within_64_bits() -> None:
    log = '{"droppedAttributesCount":-1e300,"flags":1e300,"severityNumber":-9223372036854775808,"timeUnixNano":-1e300}'
    sent = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[%s]}]}]}' % log  # noqa: UP031 - braces
    (row,) = rows_in(OtlpJson("Logs"), sent.encode())
    assert row["timestamp"] == RECEIVED
    assert row["extra"]["flags"] == 2**64 - 1
    assert row["extra"]["dropped_attributes"] == row["extra"]["severity_number"] == -(2**63)


def test_invalid_utf8_becomes_the_replacement_character() -> None:
    assert [row["message"] for row in rows_of("edge/invalid-utf8-body.pb")] == ["\ufffd"]


def test_ids_of_another_length_are_kept_in_extra_and_zeros_are_absent() -> None:
    log = FULL["LogRecord"]
    rows = rows_of_logs(
        log(trace_id=bytes(16), span_id=bytes(8)),
        log(trace_id=b"\1\2", span_id=b"\0\0\3"),
        log(trace_id=bytes(15) + b"\1", span_id=bytes(7) + b"\1"),
    )
    assert [(row["trace_id"], row["span_id"]) for row in rows] == [("", ""), ("", ""), ("0" * 31 + "1", "0" * 15 + "1")]
    assert [row["extra"] for row in rows] == [{}, {"trace_id": "0102", "span_id": "000003"}, {}]


def test_what_the_columns_have_no_place_for_is_in_extra() -> None:
    scope = FULL["InstrumentationScope"](name=b"@opentelemetry/instrumentation-winston", version=b"0.5")
    scope.attributes.add(key=b"a").value.int_value = 1
    log = FULL["LogRecord"](flags=0x101, dropped_attributes_count=3, severity_number=13, severity_text=b"Achtung")
    log.time_unix_nano, log.observed_time_unix_nano = SENT * 1000 + 7, SENT * 1000 + 2_000_000_008
    (row,) = rows_of_logs(log, scope=scope)
    assert row["logger_name"] == "", "the name of a bridge is no logger"
    assert row["extra"] == {
        "scope_version": "0.5",
        "scope": {"a": 1},
        "flags": 0x101,
        "dropped_attributes": 3,
        "severity_text": "Achtung",
        "observed_time": "2026-11-25T21:43:22.123456008Z",
    }


def test_a_large_scope_is_kept_with_the_first_of_its_rows_only() -> None:
    scope = FULL["InstrumentationScope"](name=b"s")
    scope.attributes.add(key=b"a").value.string_value = b"x" * 1000
    rows = rows_of_logs(*[FULL["LogRecord"]()] * 3, scope=scope)
    assert [list(row["extra"]) for row in rows] == [["scope"], [], []]
