"""OTLP from recorded requests of real SDKs, through gateway, queue and writer (contracts.md, "OTLP")."""

import gzip
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from shared.formats.otlp.schema import FULL
from tests.integration.stack import RunningStack, running_stack, stored

FILES = Path(__file__).parents[1] / "fixtures" / "otlp"
PROTOBUF = "application/x-protobuf"


class Answer(NamedTuple):
    status: int
    media_type: str
    body: bytes
    headers: dict[str, str]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("otlp") / "var") as running:
        yield running


def post(stack: RunningStack, path: str, body: bytes, **headers: str) -> Answer:
    connection = HTTPConnection(urlsplit(stack.env["SLUICE_URL"]).netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request("POST", path, body, {"x-api-key": stack.env["SLUICE_INGEST_KEY"]} | named)
        answer = connection.getresponse()
        head = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, head.get("content-type", ""), answer.read(), head)
    finally:
        connection.close()


def recorded(stack: RunningStack, name: str) -> Answer:
    """The answer to a recorded request, sent again with a key of this stack."""
    request = json.loads((FILES / f"{name}.request.json").read_text())
    content_type = {key.lower(): value for key, value in request["headers"]}["content-type"]
    return post(stack, request["path"], (FILES / name).read_bytes(), content_type=content_type)


def test_recorded_requests_become_rows(stack: RunningStack) -> None:
    for name in ("python-logs.pb", "node-logs.pb", "python-traces.pb", "node-traces.pb"):
        assert recorded(stack, name)[:3] == (200, PROTOBUF, b"")
    for name in ("node-logs.json", "node-traces.json"):
        assert recorded(stack, name)[:3] == (200, "application/json", b"{}")
    placed, boom, ordered, _ = stored(stack, 4, "logs", "format = 'otlp.logs' AND service = 'checkout'")
    assert (placed["message"], placed["environment"], placed["release"]) == ("order 42 placed", "staging", "1.4.2")
    assert (boom["level"], ordered["event_name"]) == ("error", "order.created")
    assert json.loads(placed["resource"])["service.namespace"] == "shop"
    assert (placed["logger_name"], placed["line_number"]) == ("shop.py", 45)
    in_protobuf = stored(stack, 2, "logs", "format = 'otlp.logs' AND service = 'web'")
    in_json = stored(stack, 2, "logs", "format = 'otlp.logs.json'")
    for column in ("message", "attributes", "level", "resource", "user_id", "extra"):
        assert [row[column] for row in in_protobuf] == [row[column] for row in in_json], column
    select, _, _ = stored(stack, 3, "spans", "format = 'otlp.traces' AND service = 'checkout'")
    assert (select["operation"], select["kind"], select["status"], select["duration_us"]) == (
        "SELECT orders",
        "client",
        "error",
        1183,
    )
    redis, users = stored(stack, 2, "spans", "format = 'otlp.traces.json'")
    assert (redis["parent_span_id"], users["status"]) == (users["span_id"], "unset")
    assert json.loads(redis["links"])[0]["span_id"] == users["span_id"]


def test_exceptions_and_calls_to_models_become_rows_of_their_own(stack: RunningStack) -> None:
    for name in ("genai-traceloop-openai.pb", "python-nested-exception.pb"):
        assert recorded(stack, name)[:3] == (200, PROTOBUF, b"")
    failed, nested = stored(stack, 2, "errors", "service IN ('assistant', 'unknown_service:python')")
    assert (failed["type"], nested["type"]) == ("openai.NotFoundError", "KeyError")
    assert (failed["format"], failed["platform"], len(failed["event_id"])) == ("otlp.traces.errors", "python", 36)
    (thrown,) = stored(stack, 1, "errors", "format = 'otlp.logs.errors'")
    assert (thrown["type"], len(thrown["fingerprint"])) == ("ZeroDivisionError", 64)
    calls = stored(stack, 3, "llm_calls", "service = 'assistant'")
    assert [call["input_tokens"] for call in calls] == [12, 5, 0]
    spans = stored(stack, 3, "spans", "service = 'assistant'")
    assert [call["span_id"] for call in calls] == [span["span_id"] for span in spans]


def test_bad_spans_are_rejected_and_the_others_stored(stack: RunningStack) -> None:
    answer = post(stack, "/v1/traces/", (FILES / "edge/spans-good-and-bad.pb").read_bytes(), content_type=PROTOBUF)
    expected = (FILES / "edge/partial-success-traces.response.pb").read_bytes()
    assert answer[:3] == (200, PROTOBUF, expected)
    assert "1:invalid_id" in answer.headers["x-dropped"]
    stored(stack, 4, "spans", "trace_id = '0102030405060708090a0b0c0d0e0f10'")


def test_metrics_are_answered_and_not_stored(stack: RunningStack) -> None:
    answer = recorded(stack, "python-metrics.pb")
    assert (answer.status, answer.media_type) == (200, PROTOBUF)
    assert FULL["Response"].FromString(answer.body).partial_success.rejected == 1


def test_a_collectors_large_batch_is_checked_aside_and_cut_into_messages(stack: RunningStack) -> None:
    request = FULL["Logs"]()
    resource = request.resources.add()
    resource.resource.attributes.add(key=b"service.name").value.string_value = b"collector"
    records = resource.scopes.add().records
    for n in range(8192):
        log = records.add(time_unix_nano=1_795_643_000_000_000_000 + n, severity_number=9)
        log.body.string_value = b"log %05d" % n + b"x" * 200
        log.attributes.add(key=b"n").value.int_value = n
    body = gzip.compress(request.SerializeToString())
    assert post(stack, "/v1/logs", body, content_type=PROTOBUF, content_encoding="gzip")[:3] == (200, PROTOBUF, b"")
    rows = stored(stack, 8192, "logs", "service = 'collector'")
    assert [row["message"][:9] for row in rows] == [f"log {n:05}" for n in range(8192)]
    assert rows[77]["attributes"] == '{"n":77}'
    assert len({row["_offset"] for row in rows}) > 1


def test_a_repeat_gets_the_first_answer_in_its_own_encoding(stack: RunningStack) -> None:
    for content_type, expected in ((PROTOBUF, b""), ("application/json", b"{}")):
        for _ in range(2):
            answer = post(stack, "/v1/logs", b"", content_type=content_type, idempotency_key="empty")
            assert answer[:3] == (200, content_type, expected)
    request = FULL["Logs"]()
    request.resources.add().scopes.add().records.add().body.string_value = b"sent twice"
    for _ in range(2):
        assert post(stack, "/v1/logs", request.SerializeToString(), idempotency_key="twice").status == 200
    assert post(stack, "/v1/logs", (FILES / "edge/logs.json").read_bytes()).status == 200
    stored(stack, 1, "logs", "message = 'empty time'")
    stored(stack, 1, "logs", "message = 'sent twice'")


def test_a_drain_of_traces_sends_spans(stack: RunningStack) -> None:
    body = (FILES / "node-traces.json").read_bytes().replace(b'"web"', b'"drained"')
    answer = post(stack, "/ingest/drain", body, content_type="application/json")
    assert answer[:3] == (200, "application/json", b'{"ok":true,"count":2}')
    stored(stack, 2, "spans", "service = 'drained'")


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/v1/logs", b"hello world", {}, 400, 3),
        ("/v1/logs", b"", {"x_api_key": "nobody"}, 401, 16),
        ("/v1/traces", b"", {"content_encoding": "lzma"}, 415, 3),
        ("/v1development/profiles", b"", {}, 404, None),
        ("/v1/nothing", b"", {}, 404, None),
    ],
)
def test_refusals_are_in_the_encoding_of_the_request(
    stack: RunningStack, path: str, body: bytes, headers: dict[str, str], status: int, code: int | None
) -> None:
    in_protobuf = post(stack, path, body, content_type=PROTOBUF, **headers)
    assert in_protobuf.status == status
    if code is not None:
        assert in_protobuf.media_type == PROTOBUF
        assert FULL["Refusal"].FromString(in_protobuf.body).code == code
    in_json = post(stack, path, body, content_type="application/json", **headers)
    assert (in_json.status if body or code != 3 else 415, in_json.media_type) == (status, "application/json")


def test_audit_finds_every_record_once(stack: RunningStack) -> None:
    told = stack.sluice("audit")
    assert told["ok"], told
