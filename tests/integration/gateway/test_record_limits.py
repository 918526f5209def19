"""Drains are limited by their records (contracts.md, "Rate limit")."""

import json
from time import time

from tests.integration.gateway.conftest import StartGateway
from tests.integration.stack import wait_until

DRAIN = "/ingest/drain"


def entries(n: int, word: str) -> bytes:
    return json.dumps([{"message": f"{word} {k}", "timestamp": 1_768_478_400_000} for k in range(n)]).encode()


def test_a_drain_beyond_its_records_a_minute_is_429_and_stores_nothing(start_gateway: StartGateway) -> None:
    gateway = start_gateway(drain_record_limit=100)
    wait_until(lambda: 1 < time() % 60 < 40, 60, "time in a minute")
    assert gateway.post(DRAIN, entries(90, "first")).status == 200
    refused = gateway.post(DRAIN, entries(20, "refused"))
    assert (refused.status, refused.json) == (429, {"error": "Rate limit exceeded"})
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert gateway.post(DRAIN, entries(90, "first")).status == 200  # a repeat is not counted
    assert gateway.post(DRAIN, entries(10, "last")).status == 200
    assert gateway.post(DRAIN, entries(20, "refused")).status == 429
    assert sum(len(records) for _, records in gateway.stored("drain")) == 100
    other = gateway.post("/ingest/logs", {"logs": [{"level": "info", "message": "m"}]})
    assert other.status == 200
