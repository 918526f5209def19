"""The routes of OTLP in a gateway whose queue is in our hands (contracts.md, "OTLP")."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.formats.otlp.schema import FULL
from shared.queue.base import QueueUnavailable
from tests.fuzz.in_process import KNOWN, InProcess
from tests.fuzz.requests import Answer, Request
from tests.unit.shared.formats.otlp.fixtures import body


@pytest.fixture(scope="module")
def gateway() -> Iterator[InProcess]:
    made = InProcess()
    yield made
    made.close()


def post(gateway: InProcess) -> Answer:
    key = (b"x-api-key", KNOWN.ingest.encode())
    return gateway.ask(Request("/v1/logs", "POST", b"/v1/logs", [key], body("python-logs.pb")))


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
