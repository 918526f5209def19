"""Events -> rows of errors (sentry-rows.md, "Errors")."""

import hashlib
import json
from typing import Any

import msgspec
import pytest

from shared.fingerprint import fingerprint
from shared.fingerprint.rules import Rule, Rules
from shared.formats.sentry.errors import judge
from tests.unit.shared.formats.sentry.table import EVENT_ID, RECEIVED, error_of

FRAMES = [{"function": "pay", "filename": "/srv/pay.js", "lineno": 3, "colno": 1}]
EXCEPTION = {"type": "PayError", "value": "no money", "stacktrace": {"frames": FRAMES}}
EVENT = {"platform": "node", "exception": {"values": [EXCEPTION]}}
PLAIN = fingerprint(2, "PayError: no money", "PayError: no money\n    at pay (/srv/pay.js:3:1)")


@pytest.mark.parametrize(
    "event",
    [
        EVENT,
        {"platform": "node", "exception": [EXCEPTION]},
        {"platform": "node", "exception": EXCEPTION},
        EVENT | {"fingerprint": ["{{ default }}"]},
        EVENT | {"fingerprint": ["{{default}}"]},
        EVENT | {"fingerprint": []},
        EVENT | {"fingerprint": "mine"},
        EVENT | {"fingerprint": [None, {}]},
    ],
)
def test_an_exception_has_the_fingerprint_of_its_printed_text(event: dict[str, Any]) -> None:
    assert error_of(event)["fingerprint"] == PLAIN.hash


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        (["payments"], ["sentry", "payments"]),
        (["{{ default }}", "eu"], ["sentry", PLAIN.hash, "eu"]),
        (["{{default}}", 5, True], ["sentry", PLAIN.hash, "5", "true"]),
    ],
)
def test_what_the_client_says_about_grouping_decides(said: list[Any], parts: list[str]) -> None:
    row = error_of(EVENT | {"fingerprint": said})
    canonical = json.dumps(parts, separators=(",", ":"))
    assert row["fingerprint_parts"] == canonical
    assert row["fingerprint"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert json.loads(row["attributes"])["fingerprint"] == said


def test_a_rule_of_the_project_goes_before_the_clients_list() -> None:
    rules = Rules(1, [Rule(name="pay", type="PayError", group="payments")])
    row = error_of(EVENT | {"fingerprint": ["mine"]}, rules)
    assert json.loads(row["fingerprint_parts"])[:2] == ["group", "payments"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"message": "sold out"}, "sold out"),
        ({"message": {"formatted": "sold out", "message": "%s out"}}, "sold out"),
        ({"logentry": {"message": "%s out", "formatted": "sold out"}}, "sold out"),
        ({"logentry": {"message": "sold out", "params": []}}, "sold out"),
        ({"message": "b", "logentry": {"formatted": "a"}}, "a"),
        ({"message": 5, "logentry": []}, ""),
        ({"exception": {"values": [{"value": "made", "mechanism": {"synthetic": True}}]}}, "made"),
        ({"message": "m", "exception": [{"value": "made", "mechanism": {"synthetic": True}}]}, "m"),
        ({"message": "m", "exception": {"values": []}}, "m"),
    ],
)
def test_a_message_is_an_error_of_that_type(event: dict[str, Any], message: str) -> None:
    row = error_of(event)
    assert (row["type"], row["error_message"]) == ("message", message)
    assert row["fingerprint"] == fingerprint(2, f"message: {message}" if message else "message", "").hash


def test_where_a_message_was_captured_is_shown_and_never_counts() -> None:
    made = {"value": "m", "stacktrace": {"frames": FRAMES}, "mechanism": {"synthetic": True}}
    row = error_of({"message": "m", "exception": {"values": [made]}})
    assert row["stack_trace"] == "m\n    at pay (/srv/pay.js:3:1)"
    assert row["fingerprint"] == fingerprint(2, "message: m", "").hash


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([{"type": "A", "value": "a"}, {"mechanism": {}}], "A", "a"),
        ([{"value": "only"}], "Error", "only"),
        ([{"type": "A"}, {"value": "b", "mechanism": {"synthetic": True}}], "Error", "b"),
        ([{"type": 5, "value": ["x"]}], "Error", ""),
        ([None, 5, {"type": "A"}], "A", ""),
        ([{"type": "A", "module": "shop.errors", "value": "a"}], "A", "a"),
    ],
)
def test_the_main_exception_is_the_last_with_a_type_or_a_value(values: list[Any], kind: str, message: str) -> None:
    row = error_of({"exception": {"values": values}})
    assert (row["type"], row["error_message"]) == (kind, message)


@pytest.mark.parametrize(
    ("sent", "level", "severity"),
    [
        ({}, "error", "high"),
        ({"level": "fatal"}, "fatal", "critical"),
        ({"level": "warning"}, "warning", "medium"),
        ({"level": "info"}, "info", "low"),
        ({"level": "log"}, "log", "low"),
        ({"level": 5}, "error", "high"),
    ],
)
def test_levels(sent: dict[str, Any], level: str, severity: str) -> None:
    row = error_of(EVENT | sent)
    assert (row["level"], row["severity"]) == (level, severity)


@pytest.mark.parametrize(
    ("mechanism", "handled"), [({"handled": True}, 1), ({"handled": False}, 0), ({}, 0), (None, 0), ("x", 0)]
)
def test_handled(mechanism: Any, handled: int) -> None:
    assert error_of({"exception": [EXCEPTION | {"mechanism": mechanism}]})["handled"] == handled


@pytest.mark.parametrize(
    ("sent", "us"),
    [
        ("2026-11-25T21:45:54.179752Z", 1_795_643_154_179_752),
        ("2026-11-25T21:45:54.179752", 1_795_643_154_179_752),
        (1795643182.191778, 1_795_643_182_191_778),
        (1795643182, 1_795_643_182_000_000),
        (1795643182.9622285, 1_795_643_182_962_229),  # the double is ....22853
        ("yesterday", RECEIVED),
        (None, RECEIVED),
        (True, RECEIVED),
    ],
)
def test_times(sent: Any, us: int) -> None:
    assert error_of(EVENT | {"timestamp": sent})["timestamp"] == us


def test_a_time_that_no_row_can_have_is_kept() -> None:
    row = error_of(EVENT | {"timestamp": 1e300})
    assert (row["timestamp"], row["extra"]) == (RECEIVED, {"timestamp": 1e300})


def test_what_has_a_column_is_no_attribute_and_all_else_is_one() -> None:
    columns = {
        "event_id": EVENT_ID,
        "timestamp": 1795643182,
        "level": "error",
        "platform": "node",
        "environment": "staging",
        "release": "1.2",
        "user": {"id": 7, "email": "user@example.com", "geo": {"city": "Ulm"}},
        "breadcrumbs": {"values": [{"message": "in"}]},
    }
    others = {
        "exception": {"values": [EXCEPTION]},
        "tags": [["Service", "shop"]],
        "request": {"url": "https://shop.example/pay", "headers": [["user-AGENT", "Firefox"]]},
        "contexts": {"trace": {"trace_id": "AB" * 16, "span_id": "cd" * 8}},
        "extra": {"n": 1.50},
    }
    row = error_of(columns | others)
    assert json.loads(row["attributes"]) == others
    assert (row["environment"], row["release"], row["service"]) == ("staging", "1.2", "shop")
    assert (row["user_id"], row["user_email"], json.loads(row["user"])) == (
        "7",
        "user@example.com",
        {"geo": {"city": "Ulm"}},
    )
    assert json.loads(row["breadcrumbs"]) == [{"message": "in"}]
    assert (row["url"], row["user_agent"]) == ("https://shop.example/pay", "Firefox")
    assert (row["trace_id"], row["span_id"]) == ("ab" * 16, "cd" * 8)


def test_a_field_of_another_type_stays_in_the_attributes() -> None:
    odd = {
        "event_id": "another",
        "level": ["x"],
        "platform": 1,
        "environment": {},
        "release": 5,
        "user": "u_1",
        "breadcrumbs": "none",
        "timestamp": {"a": 1},
        "contexts": [],
        "request": "GET /",
        "tags": 7,
    }
    row = error_of({"message": "m"} | odd)
    assert json.loads(row["attributes"]) == {"message": "m"} | odd
    assert (row["environment"], row["platform"], row["user_id"], row["breadcrumbs"]) == ("production", "", "", b"")


@pytest.mark.parametrize(
    ("user", "columns", "further", "stays"),
    [
        ({"id": 7, "name": "ada"}, ("7", ""), {"name": "ada"}, False),
        ({"id": None, "email": ""}, ("", ""), {}, False),
        ({"id": {"a": 1}, "email": "user@example.com"}, ("", "user@example.com"), {}, True),
        ({"email": True, "name": "ada"}, ("", ""), {"name": "ada"}, True),
    ],
)
def test_a_user_whose_id_is_no_text_stays_in_the_attributes(
    user: dict[str, Any], columns: tuple[str, ...], further: dict[str, Any], stays: bool
) -> None:
    row = error_of(EVENT | {"user": user})
    assert ((row["user_id"], row["user_email"]), json.loads(row["user"] or "{}")) == (columns, further)
    assert json.loads(row["attributes"]).get("user") == (user if stays else None)


@pytest.mark.parametrize(
    ("sent", "service"),
    [
        ({"contexts": {"otel": {"resource": {"service.name": "a"}}}, "tags": {"service": "b"}}, "a"),
        ({"tags": {"service": "b"}}, "b"),
        ({"server_name": "host-1"}, ""),
    ],
)
def test_services(sent: dict[str, Any], service: str) -> None:
    assert error_of(EVENT | sent)["service"] == service


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        ("5", "not_an_object"),
        ("[]", "not_an_object"),
        ("{}", "not_an_object"),
        ('{"level":"error"}', "missing_exception"),
        ('{"exception":null,"message":null}', "missing_exception"),
        ('{"message":"m"}', ""),
        ('{"logentry":{}}', ""),
        ('{"stacktrace":{"frames":[]}}', ""),
        ('{"exception":[]}', ""),
    ],
)
def test_an_event_needs_something_to_store(event: str, fault: str) -> None:
    assert judge(msgspec.Raw(event.encode())) == fault
