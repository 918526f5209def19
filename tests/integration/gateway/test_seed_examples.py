"""Every curl example of both documents against `sluice up`, and each record read back with all its fields.

The examples stand in `tests/fixtures/seeds` as the documents print them; only host, key and `$(date ...)` are replaced.
"""

import json
import shlex
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import RunningStack, running_stack, wait_until

EXAMPLES = Path(__file__).parents[2] / "fixtures" / "seeds"
QUERYABLE_WITHIN_S = 2.5

PROLIFERATE_TRACE = "trace_abc123def456"


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    options = ["--kafka"] if request.param == "kafka" else []
    if options:
        request.getfixturevalue("kafka_url")  # skips, or fails where Kafka is required
    with running_stack(tmp_path_factory.mktemp("up") / "var", *options) as running:
        yield running


def send(stack: RunningStack, example: str) -> tuple[int, Any]:
    """Run a curl example: its method, path, headers and body as curl would send them."""
    text = (EXAMPLES / f"{example}.sh").read_text()
    text = text.replace("$(date +%s.%3N)", f"{time.time():.3f}").replace("\\\n", " ")
    for placeholder in ("pk_abc123def456ghi789", "YOUR_API_KEY"):
        text = text.replace(placeholder, stack.env["SLUICE_PUBLIC_KEY"])
    text = text.replace("dt_your_api_key", stack.env["SLUICE_INGEST_KEY"])
    command, *arguments = shlex.split(text)
    assert command == "curl"
    method, body, headers, path = "GET", None, {}, ""
    words = iter(arguments)
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words).encode()
            case _:
                path = "/" + word.split("/", 3)[3]
    return stack.request(method, path, body, headers)


def stored(stack: RunningStack, sql: str, n: int = 1) -> list[dict[str, Any]]:
    """Rows of a query, as soon as there are `n`."""
    return wait_until(lambda: rows if len(rows := stack.rows(sql)) >= n else None, 60, sql)


def test_what_is_accepted_can_be_queried_within_seconds(stack: RunningStack) -> None:
    bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    took_s: list[float] = []
    while not took_s or (min(took_s) > QUERYABLE_WITHIN_S and len(took_s) < 5):  # a busy machine may be late
        trace = f"soon{len(took_s)}"
        log = {"level": "info", "message": "soon", "trace_id": trace}
        assert stack.request("POST", "/ingest/logs", json.dumps({"logs": [log]}).encode(), bearer)[0] == 200
        accepted_at = time.monotonic()
        stored(stack, f"SELECT 1 FROM logs WHERE trace_id = '{trace}'")
        took_s.append(time.monotonic() - accepted_at)
    assert min(took_s) <= QUERYABLE_WITHIN_S


def test_health(stack: RunningStack) -> None:
    status, body = send(stack, "deeptracer_health")
    assert status == 200
    assert body == {"status": "ok", "timestamp": body["timestamp"]}
    assert datetime.strptime(body["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).year >= 2025
    assert len(body["timestamp"]) == len("2026-02-23T00:00:00.000Z")


def test_health_ready_names_every_dependency(stack: RunningStack) -> None:
    status, body = send(stack, "deeptracer_health_ready")
    assert (status, body["status"]) == (200, "ok")
    assert set(body["checks"]) == {"queue", "clickhouse", "redis", "postgres"}
    assert all(check["status"] == "ok" and check["latency_ms"] >= 0 for check in body["checks"].values())


def test_deeptracer_logs(stack: RunningStack) -> None:
    before = datetime.now(UTC)
    assert send(stack, "deeptracer_logs") == (200, {"ok": True, "count": 2})
    signed_up, failed = stored(
        stack,
        "SELECT * FROM logs WHERE format = 'deeptracer.logs' AND trace_id = '' ORDER BY _partition, _offset, _index",
        2,
    )
    common = {
        "project_id": stack.env["SLUICE_PROJECT_ID"],
        "service": "my-app",
        "environment": "production",
        "release": "",
        "trace_id": "",
        "span_id": "",
        "request_id": "",
        "logger_name": "",
        "template": "",
        "file_path": "",
        "line_number": 0,
        "function_name": "",
        "user_id": "",
        "user_email": "",
        "account_id": "",
        "account_name": "",
        "user": "",
        "account": "",
        "extra": "",
        "retention_days": 3650,
        "_topic": "logs",
    }
    own = [
        {
            "level": "info",
            "severity_number": 9,
            "message": "User signed up",
            "attributes": '{ "userId": "u_123", "plan": "pro" }',
            "_index": 0,
        },
        {
            "level": "error",
            "severity_number": 17,
            "message": "Payment failed",
            "attributes": '{ "orderId": "ord_456", "reason": "card_declined" }',
            "_index": 1,
        },
    ]
    for row, expected in zip((signed_up, failed), own, strict=True):
        assert {name: row[name] for name in (common | expected)} == common | expected
        assert row["timestamp"] == row["received_at"] >= before.replace(microsecond=0)
    assert (signed_up["_partition"], signed_up["_offset"]) == (failed["_partition"], failed["_offset"])


def test_deeptracer_errors(stack: RunningStack) -> None:
    status, body = send(stack, "deeptracer_errors")
    assert (status, body) == (200, {"ok": True, "fingerprint": body["fingerprint"]})
    assert len(body["fingerprint"]) == 64
    [row] = stored(stack, "SELECT * FROM errors")
    expected = {
        "project_id": stack.env["SLUICE_PROJECT_ID"],
        "service": "my-app",
        "environment": "production",
        "release": "",
        "fingerprint": body["fingerprint"],
        "fingerprint_version": 2,
        "type": "TypeError",
        "error_message": "Cannot read properties of undefined (reading 'id')",
        "stack_trace": "TypeError: Cannot read properties of undefined\n at getUser (/app/src/users.ts:42:15)\n"
        " at handler (/app/src/api/route.ts:10:3)",
        "severity": "high",
        "attributes": '{ "userId": "u_123", "route": "/api/users" }',
        "breadcrumbs": "",
        "user_id": "",
        "trace_id": "",
        "format": "deeptracer.errors",
        "_topic": "errors",
        "_index": 0,
    }
    assert {name: row[name] for name in expected} == expected
    assert len(row["event_id"]) == 36
    assert "getUser" in row["fingerprint_parts"]


def test_deeptracer_traces(stack: RunningStack) -> None:
    assert send(stack, "deeptracer_traces") == (200, {"ok": True})
    [row] = stored(stack, "SELECT * FROM spans")
    expected = {
        "service": "my-app",
        "environment": "production",
        "trace_id": "abc123def456",
        "span_id": "span_001",
        "parent_span_id": "",
        "operation": "GET /api/users",
        "timestamp": datetime(2026, 2, 23, tzinfo=UTC),
        "duration_ms": 145,
        "status": "ok",
        "attributes": '{ "http.status_code": 200 }',
        "_topic": "traces",
    }
    assert {name: row[name] for name in expected} == expected


def test_deeptracer_llm(stack: RunningStack) -> None:
    assert send(stack, "deeptracer_llm") == (200, {"ok": True})
    [row] = stored(stack, "SELECT * FROM llm_calls")
    expected = {
        "service": "my-app",
        "environment": "production",
        "model": "gpt-4o",
        "provider": "openai",
        "operation": "chat.completion",
        "input_tokens": 1250,
        "output_tokens": 340,
        "cost_usd": 0.0089,
        "latency_ms": 2100,
        "attributes": '{ "feature": "support-chat" }',
        "_topic": "llm",
    }
    assert {name: row[name] for name in expected} == expected


def test_proliferate_logs_come_back_through_the_query_api(stack: RunningStack) -> None:
    assert send(stack, "proliferate_logs_batch") == (202, {"accepted": 2, "dropped": 0})
    project = stack.env["SLUICE_PROJECT_ID"]
    path = f"/api/v1/projects/{project}/logs?trace_id={PROLIFERATE_TRACE}"
    status, body = wait_until(lambda: answer if (answer := stack.read(path))[1].get("total") == 2 else None, 60, path)
    assert status == 200
    assert body == {
        "logs": [
            {
                "timestamp": "2025-01-15T10:50:05.456Z",
                "level": "error",
                "message": "Database connection failed: timeout after 5000ms",
                "template": "Database connection failed: {error}",
                "attributes": {"error": "timeout after 5000ms", "retry_count": 3},
                "trace_id": PROLIFERATE_TRACE,
                "span_id": None,
                "user_id": None,
                "account_id": None,
                "logger_name": "db.pool",
                "file_path": None,
                "line_number": None,
                "function_name": None,
            },
            {
                "timestamp": "2025-01-15T10:50:00.123Z",
                "level": "info",
                "message": "User logged in successfully",
                "template": "User {user_id} logged in successfully",
                "attributes": {"user_id": "user_123", "ip_address": "192.168.1.1"},
                "trace_id": PROLIFERATE_TRACE,
                "span_id": "span_xyz789",
                "user_id": "user_123",
                "account_id": "acct_456",
                "logger_name": "auth.service",
                "file_path": "src/auth/login.py",
                "line_number": 42,
                "function_name": "handle_login",
            },
        ],
        "total": 2,
        "has_more": False,
    }
    rows = stored(stack, f"SELECT * FROM logs WHERE trace_id = '{PROLIFERATE_TRACE}' ORDER BY _index", 2)
    assert [row["_index"] for row in rows] == [0, 1]
    expected = {
        "environment": "production",
        "release": "v1.2.3",
        "service": "",
        "user_email": "[email\xa0protected]",
        "account_name": "Acme Corp",
        "user": "",
        "account": "",
        "format": "proliferate.logs",
    }
    assert {name: rows[0][name] for name in expected} == expected


def test_proliferate_curl_test(stack: RunningStack) -> None:
    sent_at = datetime.now(UTC).timestamp()
    assert send(stack, "proliferate_curl_test") == (202, {"accepted": 1, "dropped": 0})
    [row] = stored(stack, "SELECT * FROM logs WHERE message = 'Test log from cURL'")
    assert (row["level"], row["environment"]) == ("info", "development")
    assert abs(row["timestamp"].timestamp() - sent_at) < 60


def test_the_logs_of_an_error_are_those_of_its_trace(stack: RunningStack) -> None:
    """The Proliferate API's story "View in Dashboard", through both APIs."""
    bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    error = {"error_message": "boom", "stack_trace": "Error: boom", "trace_id": "story"}
    log = {"level": "info", "message": "before it", "trace_id": "story"}
    assert stack.request("POST", "/ingest/logs", json.dumps({"logs": [log]}).encode(), bearer)[0] == 200
    assert stack.request("POST", "/ingest/errors", json.dumps(error).encode(), bearer)[0] == 200
    [row] = stored(stack, "SELECT event_id FROM errors WHERE trace_id = 'story'")
    path = f"/api/v1/events/{row['event_id']}/logs"
    status, body = wait_until(lambda: answer if (answer := stack.read(path))[1].get("total") == 1 else None, 60, path)
    assert (status, [found["message"] for found in body["logs"]]) == (200, ["before it"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/logs/batch", {"detail": "Invalid API key"}),
        ("/ingest/logs", {"error": "Missing or invalid API key"}),
        ("/ingest/errors", {"error": "Missing or invalid API key"}),
        ("/ingest/drain", {"error": "Missing or invalid API key"}),
    ],
)
def test_an_unknown_key_is_401_with_the_seeds_body(stack: RunningStack, path: str, body: object) -> None:
    assert stack.request("POST", path, b'{"api_key":"pk_unknown"}') == (401, body)


def test_a_missing_field_is_400_with_the_seeds_body(stack: RunningStack) -> None:
    bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    status, body = stack.request("POST", "/ingest/errors", b'{"stack_trace":"x"}', bearer)
    assert (status, body["success"], body["error"]["name"]) == (400, False, "ZodError")
    assert body["error"]["issues"][0]["path"] == ["error_message"]


def test_an_answer_says_how_far_it_is_complete(stack: RunningStack) -> None:
    path = f"/api/v1/projects/{stack.env['SLUICE_PROJECT_ID']}/logs"
    asked = urllib.request.Request(
        stack.env["SLUICE_URL"] + path, headers={"Authorization": f"Bearer {stack.env['SLUICE_READ_KEY']}"}
    )
    began = datetime.now(UTC)

    def complete() -> dict[str, str] | None:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
        up_to = headers["x-complete-up-to"]
        return headers if up_to != "null" and datetime.fromisoformat(up_to) >= began else None

    headers = wait_until(complete, 60, "everything that was sent is stored")
    status, body = stack.read(f"{path}?as_of={headers['x-as-of']}")
    assert (status, set(body)) == (200, {"logs", "total", "has_more"})
