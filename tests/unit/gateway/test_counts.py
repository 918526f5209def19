"""What a gateway counts of a project, with a queue that is in our hands (reading.md, "Usage")."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from shared.queue.base import QueueUnavailable
from tests.fuzz.in_process import KNOWN, PROJECT, InProcess
from tests.fuzz.requests import Request

LOG = b'{"level":"info","message":"m"}'
TWO = b'{"service":"s","logs":[%b,%b]}' % (LOG, LOG)


@pytest.fixture(scope="module")
def process() -> Iterator[InProcess]:
    made = InProcess()
    yield made
    made.close()


@pytest.fixture
def gateway(process: InProcess) -> InProcess:
    counted(process)
    return process


def send(gateway: InProcess, path: str, body: bytes, key: str = KNOWN.ingest, **headers: str) -> int:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return gateway.ask(Request(path, "POST", path.encode(), [(b"x-api-key", key.encode()), *given], body)).status


def counted(gateway: InProcess) -> Counter[tuple[str, ...]]:
    """(project, signal, kind, what) -> how many since the last time."""
    counts: Any = gateway.counts
    counts._hand_over()
    found: Counter[tuple[str, ...]] = Counter()
    for key, n in counts._counts.items():
        found[key[:4]] += n
    counts._counts.clear()
    return +found


def test_records_are_counted_by_signal_and_outcome(gateway: InProcess) -> None:
    assert send(gateway, "/ingest/logs", TWO) == 200
    assert send(gateway, "/api/v1/logs/batch", b'{"logs":[%b,{"level":"loud"}]}' % LOG) == 202
    assert send(gateway, "/ingest/drain", b'[{"id":"1","message":"m"},"no entry"]') == 200
    assert counted(gateway) == {
        (PROJECT, "logs", "accepted", ""): 3,
        (PROJECT, "logs", "dropped", "invalid"): 1,
        (PROJECT, "drain", "accepted", ""): 1,
        (PROJECT, "drain", "dropped", "invalid"): 1,
    }


def test_refusals_are_counted_once_the_key_is_known(gateway: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*args: Any) -> None:
        raise QueueUnavailable("for this test")

    assert send(gateway, "/ingest/logs", b"{") == 400
    assert send(gateway, "/ingest/logs", b'{"logs":[{}]}') == 400
    assert send(gateway, "/ingest/logs", TWO, KNOWN.read) == 403
    assert send(gateway, "/ingest/logs", TWO, KNOWN.browser, origin="https://evil.example") == 403
    assert send(gateway, "/ingest/traces", TWO, content_encoding="lzma") == 415
    assert send(gateway, "/ingest/logs", b" " * 5_000_001) == 413
    assert send(gateway, "/ingest/logs", TWO, "dt_stranger") == 401
    monkeypatch.setattr(gateway.producer, "publish", away)
    assert send(gateway, "/ingest/logs", TWO) == 503
    assert counted(gateway) == {
        (PROJECT, "logs", "refused", "malformed"): 1,
        (PROJECT, "logs", "refused", "invalid"): 1,
        (PROJECT, "logs", "refused", "scope"): 1,
        (PROJECT, "logs", "refused", "origin"): 1,
        (PROJECT, "logs", "refused", "too_large"): 1,
        (PROJECT, "logs", "refused", "unavailable"): 1,
        (PROJECT, "traces", "refused", "encoding"): 1,
    }


def test_a_key_in_the_body_is_known_as_well(gateway: InProcess) -> None:
    body = b'{"api_key":"%b","logs":[{}]}' % KNOWN.ingest.encode()
    request = Request("/ingest/logs", "POST", b"/ingest/logs", [], body)
    assert gateway.ask(request).status == 400
    assert counted(gateway) == {(PROJECT, "logs", "refused", "invalid"): 1}
