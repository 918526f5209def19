"""`GET /health/ready` and ingest while a Kafka broker hangs: it neither answers nor closes a connection."""

from collections.abc import Iterator

import pytest

from gateway.health import CHECK_TIMEOUT_S
from tests.faults.processes import frozen
from tests.integration.stack import RunningStack, running_stack, wait_until

IMPATIENT = {"SLUICE_GATEWAY_PUBLISH_TIMEOUT_S": "3"}
BODY = b'{"logs":[{"level":"info","message":"m"}]}'


@pytest.fixture(scope="module")
def stack(kafka_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """`kafka_url` skips the tests, or fails them, where there is no Kafka."""
    folder = tmp_path_factory.mktemp("kafka-health") / "var"
    with running_stack(folder, "--kafka", environment=IMPATIENT) as running:
        yield running


def queue_of(stack: RunningStack) -> tuple[int, str, str, float]:
    """(HTTP status, word, the queue's word, what the check of the queue took in seconds) of `/health/ready`."""
    status, body = stack.request("GET", "/health/ready")
    queue = body["checks"]["queue"]
    return status, body["status"], queue["status"], queue["latency_ms"] / 1000


def sent(stack: RunningStack, path: str) -> tuple[int, object]:
    return stack.request("POST", path, BODY, {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"})


def test_with_a_broker_that_hangs_it_is_unavailable_and_ingest_503_until_it_goes_on(stack: RunningStack) -> None:
    wait_until(lambda: queue_of(stack)[:3] == (200, "ok", "ok"), 60, "all well")
    assert sent(stack, "/ingest/logs") == (200, {"ok": True, "count": 1})
    with frozen(stack.pid("kafka")):
        wait_until(lambda: queue_of(stack)[0] == 503, 60, "unavailable")
        status, word, queue, took_s = queue_of(stack)
        assert (status, word, queue) == (503, "unavailable", "unavailable")
        # It was given up, not answered: another check of the same moment may end a little later.
        assert took_s < 5 * CHECK_TIMEOUT_S
        assert sent(stack, "/ingest/logs") == (503, {"error": "Service temporarily unavailable"})
        assert sent(stack, "/api/v1/logs/batch") == (503, {"detail": "Log storage temporarily unavailable"})
        assert stack.request("GET", "/health")[0] == 200
        assert queue_of(stack)[0] == 503
    wait_until(lambda: queue_of(stack)[:3] == (200, "ok", "ok"), 120, "all well again")
    assert sent(stack, "/ingest/logs") == (200, {"ok": True, "count": 1})
    assert sent(stack, "/api/v1/logs/batch") == (202, {"accepted": 1, "dropped": 0})
