"""What an SDK of Sentry's was told, and the rows that must become of it (sentry-rows.md).

Ids, times and the bulk of attributes are taken from the envelopes, as the SDK itself shows them before it sends them.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from shared.fingerprint import fingerprint
from tests.integration.stack import RunningStack, stored

Row = dict[str, Any]

_LISTS = ("breadcrumbs", "links")
_OBJECTS = ("attributes", "user")
_OF_COLUMNS = ("event_id", "timestamp", "level", "platform", "environment", "release", "user", "breadcrumbs")
"""What no event's attributes hold."""


class Told:
    """The account that a program prints."""

    def __init__(self, printed: str) -> None:
        account = json.loads(printed)
        self.envelopes: list[Any] = account["envelopes"]
        self.printed: str = account["printed"]
        """The error that was caught, as the runtime prints it."""

    def of(self, kind: str) -> list[Row]:
        """The payloads of a type."""
        items = (item for _, items in self.envelopes for item in items)
        return [payload for header, payload in items if header["type"] == kind]

    def in_containers(self, kind: str) -> list[Row]:
        return [each for payload in self.of(kind) for each in payload["items"]]


def check(stack: RunningStack, told: Told, release: str, known: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The rows of a release by their tables: what was told, field by field, and nothing else. `known`: what the columns
    of rows must be whatever the SDK says, each of one row."""
    common = {"project_id": stack.env["SLUICE_PROJECT_ID"], "environment": "staging", "release": release}
    spans = list(_spans(told))
    sent = {
        "errors": map(_error, told.of("event")),
        "spans": spans,
        "logs": map(_log, told.in_containers("log")),
        "llm_calls": [_call(span) for span in spans if span["attributes"].get("gen_ai.request.model")],
    }
    return {table: _checked(stack, table, [common | row for row in rows], known[table]) for table, rows in sent.items()}


def _checked(stack: RunningStack, table: str, wanted: list[Row], known: list[Row]) -> list[Row]:
    found = stored(stack, len(wanted), table, f"release = '{wanted[0]['release']}'") if wanted else []
    found.sort(key=_by_time)
    for row, expected in zip(found, sorted(wanted, key=_by_time), strict=True):
        assert not (differences := _differences(row, expected)), differences
    for expected in known:
        assert sum(_differences(row, expected) == {} for row in found) == 1, (table, expected)
    return found


def is_printed_alike(row: Row, told: Told) -> bool:
    """Whether an error has the group that it has when its text is sent as the runtime prints it."""
    message = f"{row['type']}: {row['error_message']}"
    return bool(fingerprint(row["fingerprint_version"], message, told.printed).hash == row["fingerprint"])


def _differences(stored: Row, wanted: Row) -> dict[str, Any]:
    """Column -> (is, should be)."""
    found = {column: _plain(column, stored[column]) for column in wanted}
    return {column: (found[column], wanted[column]) for column in wanted if found[column] != wanted[column]}


def _plain(column: str, value: Any) -> Any:
    if column in _LISTS or column in _OBJECTS:
        return json.loads(value) if value else ([] if column in _LISTS else {})
    return value


def _by_time(row: Row) -> tuple[datetime, str, str]:
    """Some SDKs know milliseconds only: what else no two rows of a table share decides."""
    return row["timestamp"], row["span_id"], row.get("event_id") or row.get("message", "")


def _error(event: Row) -> Row:
    breadcrumbs = event.get("breadcrumbs", [])
    user, trace = dict(event["user"]), event["contexts"]["trace"]
    return {
        "event_id": event["event_id"],
        "timestamp": _moment(event["timestamp"]),
        "platform": event["platform"],
        "user_id": user.pop("id"),
        "user_email": user.pop("email"),
        "user": user,
        "trace_id": trace["trace_id"],
        "span_id": trace["span_id"],
        "breadcrumbs": breadcrumbs["values"] if isinstance(breadcrumbs, dict) else breadcrumbs,
        "attributes": {name: value for name, value in event.items() if name not in _OF_COLUMNS},
    }


def _spans(told: Told) -> Iterator[Row]:
    for transaction in told.of("transaction"):
        trace = transaction["contexts"]["trace"]
        yield {
            **_ids_and_times(trace, transaction, "timestamp"),
            "operation": transaction["transaction"],
            "description": "",
            "attributes": trace["data"],
            "scope_name": transaction["sdk"]["name"],
            "user_id": transaction["user"]["id"],
        }
        for span in transaction["spans"]:
            yield {
                **_ids_and_times(span, span, "timestamp"),
                "operation": span["op"],
                "description": span["description"],
                "attributes": span["data"],
            }
    yield from map(_version_2, told.in_containers("span"))


def _version_2(span: Row) -> Row:
    attributes = _values(span["attributes"])
    return {
        **_ids_and_times(span, span, "end_timestamp"),
        "operation": span["name"],
        "description": "",
        "attributes": attributes,
        "scope_name": attributes["sentry.sdk.name"],
        "user_id": attributes["user.id"],
    }


def _ids_and_times(ids: Row, times: Row, end: str) -> Row:
    start = _moment(times["start_timestamp"])
    took = _moment(times[end]) - start
    return {
        "trace_id": ids["trace_id"],
        "span_id": ids["span_id"],
        "parent_span_id": ids.get("parent_span_id") or "",
        "timestamp": start,
        "duration_us": round(took.total_seconds() * 1_000_000),
    }


def _call(span: Row) -> Row:
    same = ("timestamp", "trace_id", "span_id")
    return {"latency_ms": (span["duration_us"] + 500) // 1000, **{column: span[column] for column in same}}


def _log(log: Row) -> Row:
    attributes = _values(log["attributes"])
    return {
        "timestamp": _moment(log["timestamp"]),
        "message": log["body"],
        "trace_id": log["trace_id"],
        "span_id": log.get("span_id") or attributes.get("sentry.trace.parent_span_id", ""),
        "user_id": attributes.get("user.id", ""),
        "user_email": attributes.get("user.email", ""),
        "attributes": attributes,
    }


def _values(attributes: Row) -> Row:
    return {name: each["value"] for name, each in attributes.items()}


def _moment(sent: str | float) -> datetime:
    if isinstance(sent, str):
        return datetime.fromisoformat(sent)
    return datetime.fromtimestamp(sent, UTC)
