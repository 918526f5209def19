"""Idempotency-Key over HTTP: what is answered, and what is in the queue afterwards
(contracts.md, "Idempotency-Key")."""

import json
import threading
from collections.abc import Callable
from uuid import uuid4

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.gateway_process import BATCH, LOGS, Answer, GatewayProcess, log_of
from tests.integration.stack import wait_until

BODIES = {
    LOGS: log_of("m"),
    "/ingest/errors": {"error_message": "m", "stack_trace": "s"},
    "/ingest/traces": {
        "trace_id": "t", "span_id": "s", "operation": "o", "start_time": "2026-02-23T00:00:00Z", "duration_ms": 1,
        "status": "ok",
    },
    "/ingest/llm": {
        "model": "m", "provider": "p", "operation": "o", "input_tokens": 1, "output_tokens": 1, "cost_usd": 0.1,
        "latency_ms": 1,
    },
    "/ingest/drain": [{"id": "1", "message": "m", "timestamp": 1, "source": "lambda"}],
    BATCH: log_of("m"),
}  # fmt: skip
TOPICS = {LOGS: "logs", "/ingest/errors": "errors", "/ingest/traces": "traces", "/ingest/llm": "llm"}


def topic(path: str) -> str:
    return TOPICS.get(path, "drain" if path.endswith("drain") else "logs")


def stored_logs(gateway: GatewayProcess) -> list[str]:
    return [record["message"] for _, records in gateway.stored() for record in records]


@pytest.mark.parametrize("path", BODIES)
def test_a_repeat_on_any_route_is_answered_and_not_stored(gateway: GatewayProcess, path: str) -> None:
    before = len(gateway.stored(topic(path)))
    answers = [gateway.post(path, BODIES[path], idempotency_key=f"once {path}") for _ in range(3)]
    assert answers[0].status in (200, 202)
    told = {(answer.status, answer.body, answer.headers["x-event-id"]) for answer in answers}
    assert len(told) == 1
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    assert len(gateway.stored(topic(path))) == before + 1


def test_another_body_under_the_same_key_is_400_or_422(gateway: GatewayProcess) -> None:
    sentence = "Idempotency-Key was used with another request body"
    assert gateway.post(LOGS, log_of("a"), idempotency_key="two").status == 200
    answer = gateway.post(LOGS, log_of("b"), idempotency_key="two")
    assert (answer.status, answer.json) == (400, {"error": sentence})
    assert gateway.post(BATCH, log_of("a"), idempotency_key="two").status == 202  # another route
    answer = gateway.post(BATCH, log_of("b"), idempotency_key="two")
    assert (answer.status, answer.json) == (422, {"detail": sentence})


def test_a_key_over_255_characters_is_400_or_422(gateway: GatewayProcess) -> None:
    answer = gateway.post(LOGS, log_of("a"), idempotency_key="k" * 256)
    assert (answer.status, answer.json) == (400, {"error": "Idempotency-Key is longer than 255 characters"})
    answer = gateway.post(BATCH, log_of("a"), idempotency_key="k" * 256)
    assert (answer.status, answer.json["detail"][0]["type"]) == (422, "string_too_long")
    assert gateway.post(LOGS, log_of("a"), idempotency_key="k" * 255).status == 200


def test_a_refused_body_does_not_take_its_key(gateway: GatewayProcess) -> None:
    assert gateway.post(LOGS, {"logs": []}, idempotency_key="refused").status == 400
    assert gateway.post(LOGS, log_of("good"), idempotency_key="refused").status == 200


def test_a_publish_that_fails_is_not_remembered(impatient_gateway: GatewayProcess) -> None:
    gateway = impatient_gateway
    with gateway.queue_away():
        assert gateway.post(LOGS, log_of("failed once"), idempotency_key="fails").status == 503
    wait_until(lambda: gateway.post(LOGS, log_of("failed once"), idempotency_key="fails").status == 200, 60, "200")
    stored = len(gateway.stored())
    assert stored_logs(gateway).count("failed once") >= 1  # 2 if the failed one was stored after its timeout
    assert gateway.post(LOGS, log_of("failed once"), idempotency_key="fails").status == 200
    assert len(gateway.stored()) == stored


def test_a_repeat_of_a_slow_publish_is_503_with_retry_after(gateway: GatewayProcess, redis_url: str) -> None:
    answers: list[Answer] = []

    def post() -> None:
        answers.append(gateway.post(LOGS, log_of("slow"), idempotency_key="slow"))

    first = threading.Thread(target=post)
    with Redis.from_url(redis_url) as redis, gateway.queue_away():
        before = marks(redis)
        first.start()
        wait_until(lambda: marks(redis) - before, 60, "the mark of the first")
        post()
    first.join()
    assert [answer.status for answer in answers] == [503, 200]
    assert answers[0].headers["retry-after"] == "1"
    post()
    assert answers[2].status == 200
    assert stored_logs(gateway).count("slow") == 1


def marks(redis: Redis) -> set[bytes]:
    return set(redis.keys("sluice:idempotency:*"))


def test_with_redis_away_requests_with_a_key_are_stored_and_counted(
    start_gateway: StartGateway, own_redis: Callable[..., Valkey]
) -> None:
    server = own_redis()
    gateway = start_gateway(redis_url=server.url)
    assert gateway.post(LOGS, log_of("m"), idempotency_key="k").status == 200
    server.stop()
    assert [gateway.post(LOGS, log_of("m"), idempotency_key="k").status for _ in range(2)] == [200, 200]
    assert len(gateway.stored()) == 3
    metrics = gateway.request("GET", "/metrics").body.decode()
    assert 'sluice_idempotency_unguarded_total{step="begin"} 2.0' in metrics


ERRORS = "/api/v1/errors"
ERROR = {"message": "m", "event_id": "0123456789abcdef0123456789abcdef"}


@pytest.mark.parametrize("key", ["event:{id}", "body:{id}", "event:{id} "])
def test_a_client_s_key_is_never_that_of_an_event(gateway: GatewayProcess, key: str) -> None:
    event_id = uuid4().hex
    named = key.format(id=event_id)
    assert gateway.post(BATCH, log_of("a"), idempotency_key=named).status == 202
    assert gateway.post(ERRORS, ERROR | {"event_id": event_id}).status == 202
    before = len(gateway.stored("errors"))
    assert gateway.post(ERRORS, {"message": "other"}, idempotency_key=named).status == 202, "another key"
    assert len(gateway.stored("errors")) == before + 1
    assert gateway.post(ERRORS, ERROR | {"event_id": event_id}).status == 202
    assert len(gateway.stored("errors")) == before + 1, "the event's own repeat"


def test_the_same_body_with_another_way_of_carrying_the_key_is_a_repeat(gateway: GatewayProcess) -> None:
    body = {"service": "s", "logs": [{"level": "info", "message": "carried"}]}
    before = len(gateway.stored())
    in_header = gateway.post(LOGS, json.dumps(body).encode(), idempotency_key="carried")
    key = gateway.keys.ingest
    headers = {"Idempotency-Key": "carried", "Content-Type": "application/json"}
    in_body = gateway.request("POST", LOGS, json.dumps({"api_key": key, **body}).encode(), headers)
    in_both = gateway.post(LOGS, json.dumps({**body, "api_key": key}).encode(), idempotency_key="carried")
    assert [answer.status for answer in (in_header, in_body, in_both)] == [200, 200, 200]
    assert len(gateway.stored()) == before + 1
