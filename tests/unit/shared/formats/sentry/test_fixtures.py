"""What real SDKs sent -> the right rows (sentry-rows.md)."""

import json
from typing import Any

import msgspec
import pytest

from shared.formats.sentry import errors, llm, logs, span_rows
from tests.unit.shared.formats.sentry.envelopes import FILES, items, records
from tests.unit.shared.formats.sentry.table import rows_in, rows_of

ENVELOPES = sorted(path.name for path in FILES.glob("*") if path.suffix in (".envelope",) or "store" in path.name)
STORED = [name for name in ENVELOPES if "request" not in name]

JUDGES = {
    "sentry.errors": errors.judge,
    "sentry.transactions": span_rows.judge,
    "sentry.spans": span_rows.judge,
    "sentry.logs": logs.judge,
}


def rows(name: str) -> dict[str, list[dict[str, Any]]]:
    """Signal -> its rows of an envelope, calls to models among them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for fmt, sent in records(name).items():
        assert [JUDGES[fmt](msgspec.Raw(json.dumps(each).encode())) for each in sent] == [""] * len(sent)
        signal = fmt.removeprefix("sentry.").replace("transactions", "spans")
        found.setdefault(signal, []).extend(rows_of(fmt, sent))
        if signal == "spans" and (calls := llm.derive(json.dumps(sent).encode())).n:
            found.setdefault("calls", []).extend(rows_in("sentry.llm", calls.payload))
    return found


def error(name: str) -> dict[str, Any]:
    (row,) = rows(name)["errors"]
    return row


@pytest.mark.parametrize("name", STORED)
def test_each_recorded_body_becomes_rows_or_none(name: str) -> None:
    kinds = {kind for kind, _ in items(name)}
    assert bool(rows(name)) == bool(kinds & {"event", "transaction", "span", "log"})


def test_exceptions_of_python() -> None:
    row = error("python-2.75-event-exception.envelope")
    assert (row["type"], row["error_message"], row["handled"]) == ("ValueError", "bad order", 1)
    assert row["stack_trace"].index("ZeroDivisionError: division by zero\n\nThe above") > 0
    assert json.loads(row["fingerprint_parts"])[1] == ["ValueError", "ZeroDivisionError"]
    assert (row["environment"], row["release"], row["user_id"]) == ("staging", "shop@1.4.2", "u_1")
    old = error("python-1.14-store-exception.json")
    assert (old["type"], old["handled"], old["severity"]) == ("ZeroDivisionError", 0, "high")
    oldest = error("python-0.10-store-exception.json")
    assert (oldest["type"], oldest["handled"]) == ("ZeroDivisionError", 0)
    assert json.loads(oldest["breadcrumbs"])[0]["message"] == "order 42"


@pytest.mark.parametrize("version", ["11.12", "9.47", "7.120"])
def test_exceptions_of_node(version: str) -> None:
    row = error(f"node-{version}-event-exception.envelope")
    assert (row["type"], row["error_message"], row["severity"], row["level"]) == (
        *("Error", "bad order", "high", "error"),
    )
    assert "\n  [cause]: TypeError: Cannot read properties of " in row["stack_trace"]
    assert row["trace_id"] in row["attributes"].decode()


def test_unhandled_ones() -> None:
    assert error("node-7.120-event-exception-unhandled.envelope")["handled"] == 0


@pytest.mark.parametrize(
    ("name", "message", "severity"),
    [
        ("node-11.12-event-message.envelope", "hello from node", "medium"),
        ("node-9.47-event-message.envelope", "hello from node", "medium"),
        ("node-7.120-event-message.envelope", "hello from node", "medium"),
        ("browser-11.12-event-message.envelope", "hello from browser", "medium"),
        ("python-2.75-event-message.envelope", "hello from sentry", "medium"),
        ("python-2.75-event-logentry.envelope", "order 42 failed for u_1", "high"),
        ("python-2.75-event-message+attachment.envelope", "with attachment", "low"),
        ("node-11.12-event-message+attachment.envelope", "with attachment", "low"),
        ("python-1.14-store-message.json", "hello old", "low"),
    ],
)
def test_messages(name: str, message: str, severity: str) -> None:
    row = error(name)
    assert (row["type"], row["error_message"], row["severity"]) == ("message", message, severity)


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("python-2.75-transaction+span.envelope", 3),
        ("python-1.14-transaction.envelope", 2),
        ("node-7.120-transaction.envelope", 3),
        ("node-9.47-transaction.envelope", 3),
        ("browser-11.12-span.envelope", 2),
        ("node-11.12-span.envelope", 3),
    ],
)
def test_spans_are_of_one_trace(name: str, n: int) -> None:
    spans = rows(name)["spans"]
    assert (len(spans), len({row["trace_id"] for row in spans})) == (n, 1)
    ids = {row["span_id"] for row in spans}
    assert [row["parent_span_id"] in ids for row in spans].count(False) == 1


def test_a_transaction_of_python() -> None:
    transaction, query, call = rows("python-2.75-transaction+span.envelope")["spans"]
    assert (transaction["operation"], transaction["kind"], transaction["status"]) == ("GET /orders", "server", "unset")
    assert (transaction["timestamp"], transaction["duration_us"]) == (1_795_643_154_211_276, 4_967)
    assert json.loads(transaction["attributes"])["http.response.status_code"] == 200
    assert (transaction["user_id"], transaction["scope_name"]) == ("u_1", "sentry.python")
    assert transaction["extra"]["op"] == "http.server"
    assert transaction["extra"]["event"]["contexts"]["order"] == {"id": 42, "lines": [1, 2]}
    assert (query["operation"], query["description"], query["kind"]) == ("db", "SELECT 1", "client")
    assert (query["duration_us"], query["duration_ms"]) == (32, 0)
    assert (call["operation"], call["kind"], call["status"]) == ("chat gpt-4o", "client", "error")
    assert (call["environment"], call["release"], call["user_id"]) == ("staging", "shop@1.4.2", "u_1")
    assert (call["timestamp"], call["duration_us"]) == (1_795_643_154_216_206, 22)


def test_a_status_that_is_an_object_says_nothing_and_is_kept() -> None:
    (odd,) = [row for row in rows("node-7.120-transaction.envelope")["spans"] if "status" in row["extra"]]
    assert (odd["status"], odd["extra"]["status"]) == ("unset", {"code": 2, "message": "internal_error"})


def test_spans_of_version_2() -> None:
    query = rows("node-11.12-span.envelope")["spans"][0]
    assert (query["operation"], query["kind"], query["status"]) == ("SELECT 1", "client", "error")
    assert (query["status_message"], query["duration_us"]) == ("internal_error", 500)
    assert json.loads(query["attributes"])["sentry.op"] == "db"
    assert query["extra"] == {"is_segment": False}


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("python-2.75-transaction+span.envelope", ("gpt-4o", "openai", "chat", 12, 7, "error")),
        ("node-11.12-span.envelope", ("gpt-4o", "", "chat", 12, 0, "ok")),
        ("node-7.120-transaction.envelope", ("gpt-4o", "", "chat", 12, 0, "unset")),
        ("node-9.47-transaction.envelope", ("gpt-4o", "openai", "chat", 12, 0, "ok")),
    ],
)
def test_calls_to_models(name: str, call: tuple[Any, ...]) -> None:
    (row,) = rows(name)["calls"]
    columns = ("model", "provider", "operation", "input_tokens", "output_tokens", "status")
    assert tuple(row[column] for column in columns) == call
    assert row["span_id"] in {span["span_id"] for span in rows(name)["spans"]}


@pytest.mark.parametrize(("name", "n"), [("python-2.75", 7), ("node-11.12", 3), ("node-9.47", 3), ("browser-11.12", 1)])
def test_logs(name: str, n: int) -> None:
    assert len(rows(f"{name}-log.envelope")["logs"]) == n


def test_a_log_of_a_browser_names_its_span() -> None:
    (log,) = rows("browser-11.12-log.envelope")["logs"]
    assert log["span_id"] in {span["span_id"] for span in rows("browser-11.12-span.envelope")["spans"]}


def test_logs_of_python() -> None:
    found = rows("python-2.75-log.envelope")["logs"]
    first = found[0]
    assert (first["message"], first["level"], first["severity_number"]) == ("before it", "info", 9)
    assert (first["logger_name"], first["file_path"], first["line_number"]) == ("shop", "sentry_py.py", 24)
    assert (first["function_name"], first["environment"], first["release"]) == ("<module>", "staging", "shop@1.4.2")
    assert first["timestamp"] == 1_795_643_154_177_561
    assert "order {order_id} placed by {who}" in [row["template"] for row in found]


def test_logs_of_node() -> None:
    order, user, fatal = rows("node-11.12-log.envelope")["logs"]
    assert (user["template"], user["message"], user["level"]) == ("user %s did %s", "user u_2 did 3", "warn")
    assert (fatal["level"], fatal["severity_number"]) == ("fatal", 21)
    assert (order["user_id"], order["user_email"], json.loads(order["user"])) == (
        *("u_2", "user@example.com", {"username": "user"}),
    )
    assert json.loads(order["attributes"])["order_id"] == 42
