"""What a client of OpenTelemetry told, and the rows that must become of it (contracts.md, "OTLP")."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.stack import RunningStack, stored

Told = dict[str, Any]
"""The account of a client, as `tests/fixtures/otlp_clients/story.js` gives it."""

Row = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
_ENVIRONMENT = "deployment.environment.name"


def check(stack: RunningStack, told: Told) -> None:
    """All of it is stored, field by field, and nothing else of its service."""
    service = told["resource"]["service.name"]
    expected = {"spans": _rows_of_spans(told), "logs": _rows_of_logs(told), "errors": _rows_of_errors(told)}
    for table, rows in expected.items():
        found = stored(stack, len(rows), table, f"service = '{service}'") if rows else []
        for row, wanted in zip(sorted(found, key=_by_time), sorted(rows, key=_by_time), strict=True):
            assert _differences(_read(row, wanted), wanted) == {}


def _differences(row: Row, wanted: Row) -> dict[str, Any]:
    """Column -> (is, should be)."""
    return {column: (row[column], wanted[column]) for column in wanted if row[column] != wanted[column]}


def _by_time(row: Row) -> tuple[str, str]:
    return str(row["timestamp"]), row["span_id"]


def _rows_of_spans(told: Told) -> list[Row]:
    return [_of_source(told) | _of_span(span) | {"scope_name": told["scope"]["name"]} for span in told["spans"]]


def _rows_of_logs(told: Told) -> list[Row]:
    return [_of_source(told) | _of_log(log) | {"logger_name": told["scope"]["name"]} for log in told["logs"]]


def _rows_of_errors(told: Told) -> list[Row]:
    """Of exceptions on spans and in logs."""
    on_spans = [(event, span) for span in told["spans"] for event in span["events"]]
    thrown = [*on_spans, *((log, log) for log in told["logs"])]
    return [_of_error(told, *each) for each in thrown if "exception.type" in each[0]["attributes"]]


def _read(stored: Row, expected: Row) -> Row:
    """A row in the form of an expected one, with its columns alone."""
    return {column: _plain(column, stored[column]) for column in expected}


def _plain(column: str, value: Any) -> Any:
    if column == "extra":
        kept = json.loads(value)
        kept.pop("flags", None)  # of W3C and of OTLP: some SDKs set more of them than others
        return kept
    if column in ("attributes", "resource", "events", "links"):
        return json.loads(value) if value else ([] if column in ("events", "links") else {})
    return value


def _of_source(told: Told) -> Row:
    resource = told["resource"]
    return {
        "service": resource["service.name"],
        "release": resource["service.version"],
        "environment": resource.get(_ENVIRONMENT, "production"),
        "resource": resource,
        "extra": {"scope_version": told["scope"]["version"]},
    }


def _of_span(span: Told) -> Row:
    took = int(span["end_ns"]) - int(span["start_ns"])
    same = ("kind", "trace_id", "span_id", "parent_span_id", "status", "status_message", "attributes")
    return {
        **{column: span[column] for column in same},
        "timestamp": _moment(span["start_ns"]),
        "duration_us": took // 1_000,
        "duration_ms": (took + 500_000) // 1_000_000,
        "operation": span["name"],
        "events": [_of_event(event) for event in span["events"]],
        "links": [{**link, "trace_state": ""} for link in span["links"]],
        "user_id": span["attributes"].get("user.id", ""),
        "session_id": span["attributes"].get("session.id", ""),
    }


def _of_event(event: Told) -> Row:
    time = f"{_moment(event['ns']):%Y-%m-%dT%H:%M:%S}.{int(event['ns']) % 10**9:09}Z"
    return {"name": event["name"], "time": time, "attributes": event["attributes"]}


def _of_log(log: Told) -> Row:
    body = log["body"]
    return {
        "timestamp": _moment(log["ns"]),
        "severity_number": log["severity_number"],
        "level": _LEVELS[(log["severity_number"] - 1) // 4],
        "message": body if isinstance(body, str) else json.dumps(body, separators=(",", ":")),
        "event_name": log["event_name"],
        "attributes": log["attributes"],
        "trace_id": log["trace_id"],
        "span_id": log["span_id"],
        "user_id": log["attributes"].get("user.id", ""),
    }


def _of_error(told: Told, thrown: Told, owner: Told) -> Row:
    return {
        "service": told["resource"]["service.name"],
        "timestamp": _moment(thrown["ns"]),
        "type": thrown["attributes"]["exception.type"],
        "error_message": thrown["attributes"]["exception.message"],
        "stack_trace": thrown["attributes"]["exception.stacktrace"],
        "trace_id": owner["trace_id"],
        "span_id": owner["span_id"],
    }


def _moment(ns: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(ns) // 1_000)
