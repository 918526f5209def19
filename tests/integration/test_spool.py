"""A gateway with a spool, while Kafka is away under load: it answers, and all of it is stored once
(delivery.md, "The spool")."""

import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.load import Load
from tests.faults.processes import frozen
from tests.faults.row_counts import assert_exactly_once
from tests.integration.stack import RunningStack, running_stack, wait_until

AWAY_S = float(os.environ.get("SLUICE_SPOOL_SECONDS", "0"))
"""For so long Kafka is away, and a little longer."""
PUBLISH_S = 3.0
"""After so long what was on its way when Kafka went away gets its 503."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def stack(folder: Path, kafka_url: str) -> Iterator[RunningStack]:  # skips, or fails, where there is no Kafka
    spooling = {"SLUICE_GATEWAY_SPOOL": str(folder / "spool"), "SLUICE_GATEWAY_PUBLISH_TIMEOUT_S": str(PUBLISH_S)}
    with running_stack(folder / "var", "--kafka", environment=spooling) as running:
        yield running


def metric(stack: RunningStack, name: str) -> float | None:
    """None while no gateway listens."""
    try:
        with urllib.request.urlopen(stack.env["SLUICE_URL"] + "/metrics", timeout=20) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def breaker_is(stack: RunningStack, value: float) -> bool:
    return metric(stack, "sluice_spool_breaker_open") == value


def posted(stack: RunningStack) -> tuple[int, str | None]:
    """The status of a request, and whether it says that it was spooled."""
    request = urllib.request.Request(
        stack.env["SLUICE_URL"] + "/ingest/logs",
        data=b'{"logs":[{"level":"info","message":"asked"}]}',
        headers={"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, answer.headers["X-Sluice-Spooled"]


def test_kafka_away_under_load_is_answered_and_stored_once_also_by_a_gateway_that_is_killed_meanwhile(
    stack: RunningStack, folder: Path
) -> None:
    assert posted(stack) == (200, None)
    with Load(stack, "spool") as load:
        load.wait_for(200, 20)
        with frozen(stack.pid("kafka")):
            wait_until(lambda: breaker_is(stack, 1.0), 30, "an open breaker")
            load.wait_out()
            refused = load.statuses[503]
            load.wait_for(200, 100)
            assert posted(stack) == (200, "1")
            status, told = stack.request("GET", "/health/ready")
            assert (status, told["status"], told["checks"]["spool"]["status"]) == (200, "degraded", "ok")
            os.kill(stack.pid("gateway"), signal.SIGKILL)
            wait_until(lambda: metric(stack, "sluice_spool_messages"), 60, "another gateway with what the first had")
            load.wait_for(200, 50)
            time.sleep(AWAY_S)
            load.wait_for(200, 50)
            assert load.statuses[503] == refused, "nothing is refused any more, however long it takes"
            held = metric(stack, "sluice_spool_messages"), metric(stack, "sluice_spool_bytes")
        back = time.monotonic()
        load.wait_for(200, 20)
        wait_until(lambda: metric(stack, "sluice_spool_messages") == 0.0, 60 + AWAY_S, "a spool that is drained")
        assert breaker_is(stack, 0.0)
    print(f"\n(messages, bytes) {held} drained in {time.monotonic() - back:.0f} s; {load.acknowledged:,} records")  # noqa: T201
    assert set(load.statuses) <= {200, 202, 503, 0}
    assert_exactly_once(stack, load, within_s=120 + AWAY_S)
    assert stack.sluice("audit")["ok"] is True
    (left,) = stack.sluice("spool", "list", str(folder / "spool"))["spools"]
    assert (left["messages"], left["oldest_ms"]) == (0, None)
    assert stack.fails("spool", "drain", str(folder / "spool")).count("another process's") == 1
    assert [each["topic"] for each in stack.sluice("lag")["lanes"] if each["lag_messages"]] == []
