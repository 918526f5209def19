"""`GET /health` and `/health/ready`, the real engines stopped one by one (contracts.md, "Health")."""

import json
import os
import re
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.processes import frozen
from tests.integration.stack import RunningStack, running_stack, wait_until

NAMES = ["queue", "clickhouse", "redis", "postgres"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("health") / "var") as running:
        yield running


def ready(stack: RunningStack) -> tuple[int, dict[str, object]]:
    return stack.request("GET", "/health/ready")


def state(stack: RunningStack) -> tuple[int, object, set[str]]:
    """(status, word, the neighbours that are away)."""
    status, body = ready(stack)
    checks = body["checks"]
    assert isinstance(checks, dict)
    return status, body["status"], {name for name, check in checks.items() if check["status"] != "ok"}


def use_a_key(stack: RunningStack) -> None:
    bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    assert stack.request("POST", "/ingest/logs", b'{"logs":[{"level":"info","message":"m"}]}', bearer)[0] == 200


def test_alive_is_ok_and_the_time_with_three_decimals(stack: RunningStack) -> None:
    status, body = stack.request("GET", "/health")
    assert status == 200
    assert list(body) == ["status", "timestamp"]
    assert body["status"] == "ok"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])


def test_with_all_there_it_is_ok_and_names_each_with_its_latency(stack: RunningStack) -> None:
    wait_until(lambda: state(stack) == (200, "ok", set()), 60, "all well")
    status, body = ready(stack)
    assert (status, list(body), body["status"]) == (200, ["status", "checks"], "ok")
    assert isinstance(body["checks"], dict)
    assert list(body["checks"]) == NAMES
    for check in body["checks"].values():
        assert list(check) == ["status", "latency_ms"]
        assert check["latency_ms"] >= 0


@pytest.mark.parametrize("engine", ["clickhouse", "redis", "postgres"])
def test_without_what_ingest_can_do_without_it_is_degraded(stack: RunningStack, engine: str) -> None:
    use_a_key(stack)  # without Postgres, a known key still works from the cache
    with frozen(stack.pid(engine)):
        wait_until(lambda: state(stack) == (200, "degraded", {engine}), 60, f"degraded without {engine}")
        if engine != "redis":  # asked in the background only
            use_a_key(stack)
    wait_until(lambda: state(stack) == (200, "ok", set()), 60, "all well again")


def test_without_the_queue_it_is_unavailable(stack: RunningStack) -> None:
    with locked_queue(stack):
        wait_until(lambda: state(stack) == (503, "unavailable", {"queue"}), 60, "unavailable without the queue")
    wait_until(lambda: state(stack) == (200, "ok", set()), 60, "all well again")


def test_at_a_cold_start_without_postgres_it_is_unavailable(stack: RunningStack) -> None:
    os.kill(stack.pid("gateway"), 9)
    with frozen(stack.pid("postgres")):

        def cold() -> bool:
            try:
                return state(stack) == (503, "unavailable", {"postgres"})
            except OSError:
                return False  # it is just starting

        wait_until(cold, 60, "unavailable without Postgres")
    wait_until(lambda: state(stack) == (200, "ok", set()), 60, "all well again")


def test_answers_are_kept_for_a_second(stack: RunningStack) -> None:
    # The latencies would differ if it had asked again; two requests may stand on either side of a second's end.
    wait_until(lambda: ready(stack)[1] == ready(stack)[1], 60, "the same answer twice")


@contextmanager
def locked_queue(stack: RunningStack) -> Iterator[None]:
    """Another connection holds the file's write lock."""
    path = stack.env["SLUICE_QUEUE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_on_a_disk_too_full_for_a_publish_it_is_unavailable(stack: RunningStack) -> None:
    """A ping of a few bytes finds room where no request does."""
    pid = stack.pid("gateway")
    bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    lines = [{"level": "info", "message": os.urandom(2_000).hex()} for _ in range(150)]
    body = json.dumps({"logs": lines}).encode()
    use_a_key(stack)
    path = Path(stack.env["SLUICE_QUEUE_URL"].removeprefix("sqlite:///"))
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    most = max(file.stat().st_size for file in path.parent.glob("queue.db*")) + 20_000
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        assert stack.request("POST", "/ingest/logs", body, bearer)[0] == 503
        wait_until(lambda: state(stack) == (503, "unavailable", {"queue"}), 30, "unavailable on a full disk")
        time.sleep(7)  # no request comes any more, and the disk is as full as before
        assert state(stack) == (503, "unavailable", {"queue"})
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    wait_until(lambda: state(stack) == (200, "ok", set()), 30, "all well again")
    assert stack.request("POST", "/ingest/logs", body, bearer)[0] == 200
