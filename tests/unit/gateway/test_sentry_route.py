"""The routes of Sentry's SDKs in a gateway whose queue is in our hands (sentry.md)."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from gateway.apis.sentry import API
from gateway.http.answer import Answer as Made
from gateway.idempotency import Work
from gateway.rejections import KeyReused, RateLimited
from shared.envelope import unseal
from shared.formats.base import Rows
from shared.queue.base import QueueUnavailable
from tests.fuzz.in_process import KNOWN, InProcess
from tests.fuzz.requests import Answer, Request

FILES = Path(__file__).parents[2] / "fixtures" / "sentry"
RECORDED_KEY = "dt_0123456789abcdef01234567"
ID = "9ec79c33ec9942ab8353589fcb2e04dc"
EVENT = b'{"event_id":"%b","message":"hello"}' % ID.encode()
ENVELOPE = b'{}\n{"type":"event"}\n' + EVENT
SESSION = b'{}\n{"type":"session"}\n{}'
PATH = "/api/42/envelope/"
SPANS_OF_MODELS = (FILES / "python-2.75-transaction+span.envelope").read_bytes()


@pytest.fixture(scope="module")
def gateway() -> Iterator[InProcess]:
    made = InProcess()
    yield made
    made.close()


def post(gateway: InProcess, body: bytes = ENVELOPE, path: str = PATH, **headers: str) -> Answer:
    sent = headers or {"x_sentry_auth": f"Sentry sentry_key={KNOWN.ingest}"}
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()]
    return gateway.ask(Request(path, "POST", path.encode(), named, body))


def rows(gateway: InProcess) -> dict[str, int]:
    return {table.name: block.rows for table, block in gateway.rows()}


ROWS = {
    "python-2.75-event-exception.envelope": {"errors": 1},
    "python-2.75-event-logentry.envelope": {"errors": 1},
    "python-2.75-event-message+attachment.envelope": {"errors": 1},
    "python-2.75-transaction+span.envelope": {"spans": 3, "llm_calls": 1},
    "python-2.75-log.envelope": {"logs": 7},
    "python-2.75-session.envelope": {},
    "python-2.75-check_in.envelope": {},
    "python-2.75-client_report.envelope": {},
    "python-1.14-store-exception.json": {"errors": 1},
    "python-1.14-transaction.envelope": {"spans": 2},
    "node-11.12-event-exception.envelope": {"errors": 1},
    "node-11.12-event-message+attachment.envelope": {"errors": 1},
    "node-11.12-span.envelope": {"spans": 3, "llm_calls": 1},
    "node-11.12-log.envelope": {"logs": 3},
    "node-11.12-feedback.envelope": {},
    "node-11.12-trace_metric.envelope": {},
    "node-7.120-transaction.envelope": {"spans": 3, "llm_calls": 1},
    "tunnel-event-message.envelope": {"errors": 1},
    "tunnel-session.envelope": {},
}


@pytest.mark.parametrize("name", ROWS)
def test_what_sdks_send_is_taken_as_they_send_it(gateway: InProcess, name: str) -> None:
    text = (FILES / f"{name}.request.json").read_text().replace(RECORDED_KEY, KNOWN.ingest)
    recorded = json.loads(text.replace("/monitoring", PATH))
    body = (FILES / name).read_bytes()
    if name.startswith("tunnel"):
        body = body.replace(RECORDED_KEY.encode(), KNOWN.ingest.encode())
    headers = [(name.encode(), value.encode()) for name, value in recorded["headers"] if "content" not in name.lower()]
    if recorded["content_encoding"] == "gzip":
        body, headers = gzip.compress(body), [*headers, (b"content-encoding", b"gzip")]
    answer = gateway.ask(Request(PATH, "POST", recorded["path"].encode(), headers, body))
    messages = b"".join(each for topic in gateway.producer.messages.values() for each in topic)
    assert answer.status == 200
    assert KNOWN.ingest.encode() not in messages
    assert rows(gateway) == ROWS[name]
    assert (answer.header("x-sentry-rate-limits") is None) == (answer.header("x-dropped") is None)
    if ROWS[name].keys() & {"errors"}:
        assert json.loads(answer.body) == {"id": answer.header("x-event-id")}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/42/envelope", ENVELOPE, 200),
        ("/api/42/envelope/", ENVELOPE, 200),
        (f"/api/{'9' * 5_000}/envelope/", ENVELOPE, 200),
        ("/api/1/store/", EVENT, 200),
        ("/api/1/store", base64.b64encode(EVENT), 200),
        ("/api/store/", EVENT, 200),
        ("//api/42//envelope/", ENVELOPE, 200),
        ("/api/42/envelope/", b"", 400),
        ("/api/1/store/", b"", 400),
        ("/api/1/store/", b"{}", 400),
        ("/api/v1/envelope/", ENVELOPE, 404),
        ("/api/a/envelope/", ENVELOPE, 404),
        ("/api/\u0661/envelope/", ENVELOPE, 404),
        ("/api/42/security/", ENVELOPE, 404),
        ("/api/42/minidump/", ENVELOPE, 404),
        ("/api/42/envelope/x", ENVELOPE, 404),
    ],
)
def test_paths(gateway: InProcess, path: str, body: bytes, status: int) -> None:
    answer = post(gateway, body, path)
    assert answer.status == status
    assert rows(gateway) == ({"errors": 1} if status == 200 else {})
    if status != 200 and not path.startswith("/api/v1"):
        detail = json.loads(answer.body)["detail"]
        assert answer.header("x-sentry-error") == detail


@pytest.mark.parametrize(
    ("path", "status"), [("/api/1/store/", 404), ("/api/store", 404), (PATH, 405), ("/api/2", 404)]
)
def test_events_in_an_address_are_not_taken(gateway: InProcess, path: str, status: int) -> None:
    for method in ("GET", "HEAD"):
        assert gateway.ask(Request(path, method, path.encode(), [])).status == status


GOOD = f"Sentry sentry_key={KNOWN.ingest}"
BAD = "Sentry sentry_key=unknown"
IN_DSN = b'{"dsn":"https://%b@example.com/1"}\n{"type":"event"}\n' + EVENT
QUERY = f"{PATH}?sentry_version=7&sentry_key={KNOWN.ingest}&sentry_client=sentry.javascript.browser%2F11.12.0"


@pytest.mark.parametrize(
    ("status", "path", "dsn_key", "headers"),
    [
        (200, PATH, "", {"x_sentry_auth": GOOD, "authorization": BAD}),
        (200, PATH, "", {"authorization": GOOD, "x_api_key": "unknown"}),
        (200, PATH, "", {"authorization": f"Bearer {KNOWN.ingest}"}),
        (200, PATH, "", {"x_api_key": KNOWN.ingest}),
        (200, QUERY, "unknown", {"accept": "*/*"}),
        (200, PATH, KNOWN.ingest, {"accept": "*/*"}),
        (401, PATH, KNOWN.ingest, {"x_sentry_auth": BAD}),
        (401, QUERY, "", {"x_sentry_auth": "Sentry sentry_version=7"}),
        (401, QUERY, "", {"x_api_key": "unknown"}),
        (401, f"{PATH}?sentry_key=", KNOWN.ingest, {"accept": "*/*"}),
        (401, f"{PATH}?{'a&' * 100}sentry_key={KNOWN.ingest}", "", {"accept": "*/*"}),
        (401, PATH, "", {"accept": "*/*"}),
        (403, PATH, "", {"x_sentry_auth": f"Sentry sentry_key={KNOWN.read}"}),
    ],
)
def test_the_first_key_decides(
    gateway: InProcess, status: int, path: str, dsn_key: str, headers: dict[str, str]
) -> None:
    answer = post(gateway, IN_DSN % dsn_key.encode() if dsn_key else ENVELOPE, path, **headers)
    assert answer.status == status
    assert rows(gateway) == ({"errors": 1} if status == 200 else {})


def test_a_header_alone_is_an_empty_envelope(gateway: InProcess) -> None:
    assert json.loads(post(gateway, EVENT).body) == {"id": ID}
    assert (post(gateway, b"{}").body, rows(gateway)) == (b"{}", {})


@pytest.mark.parametrize("body", [b"nonsense", b'{"dsn":7}\n', b'{"dsn":"https://[x"}\n', b"\xff"])
def test_a_body_without_a_key_is_told_that_first(gateway: InProcess, body: bytes) -> None:
    answer = post(gateway, body, accept="*/*")
    assert (answer.status, answer.header("x-sentry-error")) == (401, "Missing or invalid API key")


def test_an_sdk_is_asked_for_quiet_only_about_what_is_not_stored(gateway: InProcess) -> None:
    asked = post(gateway, SESSION, origin="https://a.example", x_api_key=KNOWN.ingest)
    limits = asked.header("x-sentry-rate-limits")
    assert limits is not None
    seconds, categories, scope, reason = limits.split(":")
    assert (seconds, scope, reason) == ("3600", "key", "not_stored")
    assert not {"default", "error", "transaction", "span", "log_item", "internal", ""} & set(categories.split(";"))
    assert "X-Sentry-Rate-Limits" in (asked.header("access-control-expose-headers") or "")
    assert post(gateway).header("x-sentry-rate-limits") is None
    half_good = b'{}\n{"type":"log"}\n{"items":[{"timestamp":1,"body":"b"},{}]}'
    answer = post(gateway, half_good)
    assert (answer.header("x-dropped"), answer.header("x-sentry-rate-limits")) == ("0.1:not_an_object", None)
    with patch.object(gateway.route("/api/{sentry_project:digits}/envelope"), "_is_quiet", False):
        assert post(gateway, SESSION).header("x-sentry-rate-limits") is None
    gateway.rows()


def test_a_page_may_send_what_sentrys_sdks_add(gateway: InProcess) -> None:
    names = b"x-sentry-auth, sentry-trace, baggage, traceparent, x-requested-with"
    asked = [(b"origin", b"https://a.example"), (b"access-control-request-headers", names)]
    answer = gateway.ask(Request(PATH, "OPTIONS", PATH.encode(), asked))
    assert (answer.status, answer.header("access-control-allow-origin")) == (204, "https://a.example")
    allowed = (answer.header("access-control-allow-headers") or "").split(", ")
    assert {*names.decode().split(", ")} < {*allowed}


def test_the_queue_gets_what_the_header_says_and_no_key(gateway: InProcess) -> None:
    header = (
        b'{"sent_at":"2026-11-25T21:45:54Z","sdk":{"name":"a"},"trace":{"public_key":"%b"},"dsn":"https://%b@x.y/1"}'
    )
    key = KNOWN.ingest.encode()
    assert post(gateway, header % (key, key) + b'\n{"type":"event"}\n' + EVENT, accept="*/*").status == 200
    ((message,),) = gateway.producer.messages.values()
    stamp, payload = unseal(message)
    assert stamp.extra == {"sent_at": "2026-11-25T21:45:54Z", "sdk": {"name": "a"}}
    assert bytes(payload) == b"[%b]" % EVENT
    assert key not in message
    fmt, added = gateway.registry.formats["sentry.errors"], Rows()
    assert fmt.columns is not None
    for each in (msgspec.structs.replace(stamp, extra=None), stamp):
        added.add(each, fmt.codec.read(payload))
    fmt.columns(added)
    assert added.notes == {1: stamp.extra}
    assert rows(gateway) == {"errors": 1}


def test_what_is_not_stored_is_counted_by_its_reason(gateway: InProcess) -> None:
    many = b"{}" + b'\n{"type":"session"}\n{}' * 30 + b'\n{"type":"log"}\n{"items":[%b]}' % b",".join([b"1"] * 30)
    assert len((post(gateway, many).header("x-dropped") or "").split(", ")) == 20
    metrics = gateway.route("/api/{sentry_project:digits}/envelope")._metrics

    def count(name: str, **labels: str) -> float:
        return metrics.registry.get_sample_value(name, labels) or 0

    before = count("sluice_drops_total", signal="sentry", reason="item_unknown")
    reported = count("sluice_sentry_discarded_total", reason="network_error", category="error")
    post(gateway, b'{}\n{"type":"brand_new"}\n{}\n{"type":"otel_log"}\n{}')
    post(gateway, (FILES / "python-2.75-client_report.envelope").read_bytes())
    assert count("sluice_drops_total", signal="sentry", reason="item_unknown") == before + 2
    assert count("sluice_requests_total", route="/api/{sentry_project}/envelope", outcome="accepted") > 0
    assert count("sluice_sentry_discarded_total", reason="network_error", category="error") == reported + 3


@pytest.mark.parametrize("topic", ["traces", "llm"])
def test_a_success_needs_all_topics(gateway: InProcess, monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    published = gateway.producer.publish

    async def not_this(to: str, value: bytes, key: bytes | None = None) -> Any:
        if to == topic:
            raise QueueUnavailable("for this test")
        return await published(to, value, key)

    monkeypatch.setattr(gateway.producer, "publish", not_this)
    answer = post(gateway, SPANS_OF_MODELS)
    assert (answer.status, answer.header("retry-after")) == (503, "1")
    assert answer.header("x-sentry-error") == "Service temporarily unavailable"
    monkeypatch.undo()
    gateway.rows()
    assert post(gateway, SPANS_OF_MODELS).status == 200
    assert rows(gateway) == {"spans": 3, "llm_calls": 1}


def test_a_call_in_a_transaction_has_its_environment_and_release(gateway: InProcess) -> None:
    assert post(gateway, (FILES / "node-7.120-transaction.envelope").read_bytes()).status == 200
    (call,) = gateway.producer.messages["llm"]
    stamp, _ = unseal(call)
    assert (stamp.environment, stamp.release) == ("preview", "web@3.0.0")
    assert rows(gateway) == {"spans": 3, "llm_calls": 1}


def test_a_refused_rate_names_no_category() -> None:
    headers = dict(API.answer(RateLimited(7)).headers)
    assert headers == {
        b"retry-after": b"7",
        b"x-sentry-error": b"Rate limit exceeded",
        b"x-sentry-rate-limits": b"7::key:rate_limited",
    }


class _Remembered:
    """Idempotency without Redis."""

    def __init__(self) -> None:
        self.answers: dict[bytes, tuple[bytes, Made]] = {}

    async def once(self, project_id: str, route: str, key: bytes, digest: bytes, work: Work) -> Made:
        if key not in self.answers:
            self.answers[key] = digest, await work()
        if self.answers[key][0] != digest:
            raise KeyReused
        return self.answers[key][1]


def test_an_event_is_stored_once_under_its_id(gateway: InProcess) -> None:
    route = gateway.route("/api/{sentry_project:digits}/envelope")
    with patch.object(route, "_idempotency", _Remembered()):
        first = post(gateway)
        again = post(gateway, b'{"sent_at":"later"}\n{"type":"event","length":%d}\n%b\n' % (len(EVENT), EVENT))
        assert (first.status, again.status, again.body) == (200, 200, first.body)
        assert again.header("x-event-id") == ID
        other = post(gateway, ENVELOPE.replace(b"hello", b"other"))
        assert (other.status, json.loads(other.body)["detail"]) == (400, "event_id was used with another request body")
        beside = post(gateway, ENVELOPE + b'\n{"type":"log"}\n{"items":[{"timestamp":1,"body":"b"}]}')
        assert beside.status == 400, "a log beside a repeated event would be acknowledged and lost"
        attached = b'{"event_id":"%b"}\n{"type":"attachment"}\n\n' % ID.encode()
        assert json.loads(post(gateway, attached).body) == {"id": ID}
        assert rows(gateway) == {"errors": 1}
        assert [post(gateway, SPANS_OF_MODELS).status for _ in range(2)] == [200, 200]
        assert rows(gateway) == {"spans": 3, "llm_calls": 1}
        logs = (FILES / "python-2.75-log.envelope").read_bytes()
        assert [post(gateway, logs).status for _ in range(2)] == [200, 200]  # they have no id
        assert rows(gateway) == {"logs": 14}
        unnamed = b'{}\n{"type":"event"}\n{"message":"m"}'
        ids = {post(gateway, unnamed).body for _ in range(2)}
        assert len(ids) == 2
        assert all(len(json.loads(each)["id"]) == 32 for each in ids)
        gateway.rows()


def test_a_large_container_is_checked_aside(gateway: InProcess) -> None:
    span = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "n", "start_timestamp": 1, "end_timestamp": 2}
    spans = [span | {"attributes": {"x": {"value": "y" * 500, "type": "string"}}} for _ in range(1_000)]
    large = b'{"event_id":"%b"}\n{"type":"span"}\n%b\n{"type":"session"}\n{}\n{"type":"client_report"}\n%b' % (
        ID.encode(),
        msgspec.json.encode({"items": [*spans, {}]}),
        b'{"discarded_events":[{"reason":"before_send","category":"span","quantity":1}]}',
    )
    answer = post(gateway, large)
    assert (answer.status, json.loads(answer.body)) == (200, {"id": ID})
    assert answer.header("x-dropped") == "0.1000:not_an_object, 1:item_session"
    assert rows(gateway) == {"spans": 1_000}
    bad = post(gateway, b'{}\n{"type":"event"}\n{"x":"%b"}' % (b"y" * 300_000))
    assert (bad.status, bad.header("x-sentry-error")) == (400, json.loads(bad.body)["detail"])
    assert post(gateway, b'{}\n{"type":"event"}\n{"message":"%b"}' % (b"y" * 600_000)).status == 413
