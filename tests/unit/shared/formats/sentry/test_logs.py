"""Log items -> rows of logs (sentry-rows.md, "Logs")."""

import json
from typing import Any

import msgspec
import pytest

from shared.formats.sentry.logs import judge
from tests.unit.shared.formats.sentry.table import rows_in, rows_of

LOG = {"timestamp": 1795643182.1929002, "level": "warn", "body": "sold out"}


def log_of(sent: Any) -> dict[str, Any]:
    (row,) = rows_of("sentry.logs", [sent])
    return row


def with_attributes(**values: Any) -> dict[str, Any]:
    return LOG | {"attributes": {name.replace("__", "."): {"value": value} for name, value in values.items()}}


def test_a_log_without_attributes() -> None:
    row = log_of(LOG | {"trace_id": "AB" * 16, "span_id": "cd" * 8})
    assert (row["message"], row["level"], row["severity_number"]) == ("sold out", "warn", 13)
    assert (row["timestamp"], row["environment"], row["service"]) == (1_795_643_182_192_900, "production", "")
    assert (row["trace_id"], row["span_id"], row["attributes"], row["extra"]) == ("ab" * 16, "cd" * 8, b"", {})


@pytest.mark.parametrize(
    ("sent", "level", "number", "extra"),
    [
        ({"level": "warning"}, "warn", 13, {}),
        ({"level": "Fatal"}, "fatal", 21, {}),
        ({"level": "loud"}, "info", 9, {"level": "loud"}),
        ({"level": 5}, "info", 9, {"level": 5}),
        ({"severity_number": 14}, "warn", 14, {}),
        ({"severity_number": 99}, "warn", 13, {"severity_number": 99}),
        ({"attributes": {"sentry.severity_number": {"value": 15}}}, "warn", 15, {}),
    ],
)
def test_levels(sent: dict[str, Any], level: str, number: int, extra: dict[str, Any]) -> None:
    row = log_of(LOG | sent)
    assert (row["level"], row["severity_number"], row["extra"]) == (level, number, extra)


@pytest.mark.parametrize(
    ("body", "message"),
    [(b'"a"', "a"), (b'""', ""), (b"1.50", "1.50"), (b'{"a": 1}', '{"a": 1}'), (b"false", "false")],
)
def test_a_body_that_is_no_text_is_its_json(body: bytes, message: str) -> None:
    (row,) = rows_in("sentry.logs", b'[{"timestamp":1,"body":%b}]' % body)
    assert row["message"] == message


@pytest.mark.parametrize(
    ("sent", "span_id"),
    [
        ({"span_id": "CD" * 8}, "cd" * 8),
        ({"span_id": "cd" * 8, "attributes": {"sentry.trace.parent_span_id": {"value": "ef" * 8}}}, "cd" * 8),
        ({"attributes": {"sentry.trace.parent_span_id": {"value": "EF" * 8, "type": "string"}}}, "ef" * 8),
        ({"attributes": {"sentry.trace.parent_span_id": {"value": "none"}}}, ""),
    ],
)
def test_the_span_is_named_by_the_entry_or_by_an_attribute(sent: dict[str, Any], span_id: str) -> None:
    row = log_of(LOG | sent)
    assert row["span_id"] == span_id
    assert ("sentry.trace.parent_span_id" in json.loads(row["attributes"] or "{}")) == ("attributes" in sent)


def test_attributes_with_columns() -> None:
    promoted = {
        "sentry__message__template": "sold %s",
        "logger__name": "shop",
        "code__file__path": "a.py",
        "code__line__number": 3,
        "code__function__name": "f",
        "user__id": 7,
        "user__email": "user@example.com",
        "user__name": "ada",
        "sentry__environment": "staging",
        "sentry__release": "1.2",
        "service__name": "checkout",
    }
    row = log_of(with_attributes(**promoted))
    assert (row["template"], row["logger_name"], row["file_path"]) == ("sold %s", "shop", "a.py")
    assert (row["line_number"], row["function_name"]) == (3, "f")
    assert (row["user_id"], row["user_email"], row["user"]) == ("7", "user@example.com", b'{"username":"ada"}')
    assert (row["environment"], row["release"], row["service"]) == ("staging", "1.2", "checkout")
    assert json.loads(row["attributes"]) == {name.replace("__", "."): value for name, value in promoted.items()}


@pytest.mark.parametrize("line", [-1, 2**32, "3", 1.5, True, None])
def test_a_line_that_is_none_is_left_out(line: Any) -> None:
    assert log_of(with_attributes(code__line__number=line))["line_number"] == 0


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (LOG, ""),
        ([], "not_an_object"),
        ({"body": "a"}, "missing_timestamp"),
        (LOG | {"timestamp": "soon"}, "missing_timestamp"),
        (LOG | {"body": None}, "missing_body"),
        (LOG | {"body": ""}, ""),
        (LOG | {"body": 5}, ""),
    ],
)
def test_what_a_log_needs(sent: Any, fault: str) -> None:
    assert judge(msgspec.Raw(json.dumps(sent).encode())) == fault
