"""The routes of OTLP in a gateway whose queue is in our hands (contracts.md, "OTLP")."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.formats.otlp.schema import FULL
from shared.queue.base import QueueUnavailable
from tests.fuzz.in_process import KNOWN, InProcess
from tests.fuzz.requests import Answer, Request
from tests.unit.shared.formats.otlp.fixtures import body

LOGS = body("python-logs.pb")


@pytest.fixture(scope="module")
def gateway() -> Iterator[InProcess]:
    made = InProcess()
    yield made
    made.close()


def post(gateway: InProcess, sent: bytes = LOGS) -> Answer:
    key = (b"x-api-key", KNOWN.ingest.encode())
    return gateway.ask(Request("/v1/logs", "POST", b"/v1/logs", [key], sent))


def test_a_queue_that_takes_too_long_is_a_503_while_the_client_still_tries(
    gateway: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*args: Any) -> None:
        await asyncio.get_running_loop().create_future()

    route = gateway.route("/v1/logs")
    assert route.intake.publish_within_s == 4
    monkeypatch.setattr(route, "intake", replace(route.intake, publish_within_s=0.01))
    monkeypatch.setattr(gateway.producer, "publish", never)
    answer = post(gateway)
    assert (answer.status, FULL["Refusal"].FromString(answer.body).code) == (503, 14)
    assert answer.header("retry-after") == "1"
    with pytest.raises(QueueUnavailable, match="last publish failed"):
        route._publisher.check()
    monkeypatch.undo()
    assert post(gateway).status == 200
    route._publisher.check()
    gateway.rows()


def test_a_success_needs_both_the_logs_and_what_follows_from_them(
    gateway: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = gateway.producer.publish

    async def only_logs(topic: str, value: bytes, key: bytes | None = None) -> Any:
        if topic == "errors":
            raise QueueUnavailable("for this test")
        return await published(topic, value, key)

    monkeypatch.setattr(gateway.producer, "publish", only_logs)
    assert post(gateway).status == 503
    monkeypatch.undo()
    assert post(gateway).status == 200
    assert {table.name: block.rows for table, block in gateway.rows()} == {"logs": 8, "errors": 1}


@pytest.mark.parametrize(
    ("path", "carried", "status"),
    [
        ("/v1/logs", (b"X-Sentry-Auth", b"Sentry sentry_key=%s, sentry_version=7"), 200),
        ("/api/42/integration/otlp/v1/logs", (b"X-Sentry-Auth", b"sentry sentry_version=7,sentry_key=%s"), 200),
        ("/api/42/integration/otlp/v1/logs/", (b"Authorization", b"Sentry sentry_key=%s"), 200),
        (f"/api/{'9' * 5_000}/integration/otlp/v1/logs", (b"X-API-Key", b"%s"), 200),
        ("/v1/logs", (b"X-Sentry-Auth", b"Sentry sentry_key=another, x_sentry_key=%s"), 401),
        ("/api/v1/integration/otlp/v1/logs", (b"X-API-Key", b"%s"), 404),
        ("/ingest/logs", (b"X-Sentry-Auth", b"Sentry sentry_key=%s"), 400),  # its key would be in the body
    ],
)
def test_sentrys_sdks_send_by_their_own_path_and_header(
    gateway: InProcess, path: str, carried: tuple[bytes, bytes], status: int
) -> None:
    name, value = carried
    answer = gateway.ask(Request("/v1/logs", "POST", path.encode(), [(name, value % KNOWN.ingest.encode())], LOGS))
    assert answer.status == status
    rows = {table.name: block.rows for table, block in gateway.rows()}
    assert rows == ({"logs": 4, "errors": 1} if status == 200 else {})


def test_what_sentrys_sdk_sends_is_taken(gateway: InProcess) -> None:
    name = "sentry-sdk-otlp-integration.pb"
    recorded = json.loads(body(f"{name}.request.json"))
    headers = {
        key: value.replace("pk_0123456789abcdef0123456789abcdef", KNOWN.ingest) for key, value in recorded["headers"]
    }
    sent = [(key.encode(), value.encode()) for key, value in headers.items()]
    answer = gateway.ask(Request("/v1/traces", "POST", recorded["path"].encode(), sent, body(name)))
    assert (answer.status, answer.body) == (200, b"")
    assert {table.name: block.rows for table, block in gateway.rows()} == {"spans": 1}


def _message(tag: int, content: bytes) -> bytes:
    """A field of protobuf with a message in it."""
    size, head = len(content), bytearray([tag])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes([*head, size]) + content


MANY = 2_400_000
BOMBS = {
    "resources": (400, b"\n\0" * MANY),
    "scopes": (400, _message(0x0A, b"\x12\0" * MANY)),
    "records": (413, _message(0x0A, _message(0x12, b"\x12\0" * MANY))),
    "attributes": (200, _message(0x0A, _message(0x12, _message(0x12, b"\x32\0" * MANY)))),
    "of the resource": (200, _message(0x0A, _message(0x0A, b"\n\0" * MANY) + _message(0x12, _message(0x12, b"")))),
    "values": (200, _message(0x0A, _message(0x12, _message(0x12, _message(0x2A, _message(0x2A, b"\n\0" * MANY)))))),
}


@pytest.mark.parametrize(("status", "sent"), BOMBS.values(), ids=BOMBS)
def test_of_bombs_nothing_is_stored_and_the_next_body_is_taken(gateway: InProcess, status: int, sent: bytes) -> None:
    answer = post(gateway, sent)
    assert (answer.status, gateway.rows()) == (status, [])
    if status == 200:
        assert FULL["Response"].FromString(answer.body).partial_success.error_message == b"1 log record over 512 kB"
    assert post(gateway).status == 200
    assert {table.name: block.rows for table, block in gateway.rows()} == {"logs": 4, "errors": 1}
