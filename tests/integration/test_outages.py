"""A neighbour goes away under load: what was acknowledged is stored exactly once afterwards
(architecture.md, "What Sluice promises")."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.ports import HOST, free_port
from shared.dsn import dsn_of
from tests.faults.kinds.engines import queue_away
from tests.faults.load import Load
from tests.faults.processes import SluiceProcess, frozen, unset_of_sluice
from tests.faults.row_counts import assert_exactly_once
from tests.integration.otlp_load import Client, assert_stored
from tests.integration.otlp_node import NodeClient
from tests.integration.sentry_load import SentryClient
from tests.integration.stack import RunningStack, running_stack, stored, wait_until

CLICKHOUSE_AWAY_S = 8.0
"""Two inserts and their pauses."""

IMPATIENT = {
    "SLUICE_WRITER_INSERT_TIMEOUT_S": "3",  # so that inserts end as ambiguous failures and are tried again
    "SLUICE_WRITER_BACKOFF_MAX_S": "1",
    "SLUICE_WRITER_SESSION_TIMEOUT_S": "6",
    "SLUICE_GATEWAY_PUBLISH_TIMEOUT_S": "5",
}


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One stack for all of them: each test leaves it as it found it, up."""
    options = ["--kafka"] if request.param == "kafka" else []
    if options:
        request.getfixturevalue("kafka_url")  # skips, or fails where Kafka is required
    with running_stack(tmp_path_factory.mktemp("outages") / "var", *options, environment=IMPATIENT) as running:
        yield running


def test_clickhouse_away_under_load_loses_and_doubles_nothing(stack: RunningStack) -> None:
    with Load(stack, "outage") as load:
        load.wait_for(200, 20)
        with frozen(stack.pid("clickhouse")):
            began = time.monotonic()
            load.wait_for(200, 100)  # ingest goes on
            time.sleep(max(0.0, CLICKHOUSE_AWAY_S - (time.monotonic() - began)))
        load.wait_for(200, 20)
    assert set(load.statuses) == {200, 202}
    assert_exactly_once(stack, load)


def test_a_queue_that_is_away_is_503_and_then_recovers(stack: RunningStack) -> None:
    with Load(stack, "queue") as load:
        load.wait_for(200, 20)
        with queue_away(stack):
            load.wait_for(503, 8)
            status, body = stack.request(
                "POST", "/api/v1/logs/batch", proliferate_body(stack), {"Content-Type": "application/json"}
            )
            assert (status, body) == (503, {"detail": "Log storage temporarily unavailable"})
            assert stack.request("GET", "/health/ready")[1]["checks"]["queue"]["status"] != "ok"
        load.wait_for(200, 20, within_s=60)
    assert_exactly_once(stack, load)
    wait_until(lambda: stack.request("GET", "/health/ready")[0] == 200, 60, "ready again")


def test_503_carries_retry_after_and_the_seeds_body(stack: RunningStack) -> None:
    import urllib.error
    import urllib.request

    request = urllib.request.Request(
        stack.env["SLUICE_URL"] + "/ingest/logs",
        data=b'{"logs":[{"level":"info","message":"m"}]}',
        headers={"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"},
    )
    with queue_away(stack), pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    with refused.value as answer:
        assert answer.code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.read() == b'{"error":"Service temporarily unavailable"}'


@pytest.mark.parametrize("role", ["gateway", "writer", "clickhouse"])
def test_kill_9_of_a_process_under_load_loses_and_doubles_nothing(stack: RunningStack, role: str) -> None:
    def restarts() -> int:
        return sum(process["restarts"] for process in stack.processes() if process["role"] == role)

    before = restarts()
    with Load(stack, f"kill{role}") as load:
        load.wait_for(200, 30)
        os.kill(stack.pid(role), signal.SIGKILL)
        load.wait_for(200, 60, within_s=60)
    assert_exactly_once(stack, load)
    assert restarts() == before + 1


def test_kill_9_of_everything_under_load_then_up_again_loses_and_doubles_nothing(stack: RunningStack) -> None:
    with Load(stack, "all") as load:
        load.wait_for(200, 50)
        stack.kill()
        load.wait_for(0, 2)
    stack.start()
    assert_exactly_once(stack, load)


def test_sigterm_under_load_stores_everything_accepted(stack: RunningStack) -> None:
    with Load(stack, "term") as load:
        load.wait_for(200, 50)
        stack.stop()
        load.wait_for(0, 2)
    stack.start()
    assert_exactly_once(stack, load)


@pytest.mark.parametrize("stack", ["kafka"], indirect=True)
def test_what_opentelemetrys_sdks_were_told_is_stored_is_there_when_the_broker_was_killed(stack: RunningStack) -> None:
    service = f"sdks-{time.time_ns()}"
    with Client(stack, service, 0) as one, Client(stack, service, 1) as two:
        kill_the_broker(stack, [one, two])
    assert_stored(stack, [one, two], service)


@pytest.mark.parametrize("stack", ["kafka"], indirect=True)
def test_what_nodes_sdks_and_sentrys_were_told_is_there_when_the_broker_was_killed(
    stack: RunningStack, npm_folder: Callable[[str], Path]
) -> None:
    programs, service = npm_folder("otlp_clients"), f"node-{time.time_ns()}"
    with (
        patient_gateway(stack) as url,
        NodeClient(stack, programs, "sdk-node", service, 0) as node,
        NodeClient(stack, programs, "vercel", service, 1) as vercel,
        SentryClient(dsn_of(url, stack.env["SLUICE_INGEST_KEY"])) as sentry,
    ):
        kill_the_broker(stack, [node, vercel])
    assert_stored(stack, [node, vercel], service)
    assert sentry.lost == []
    events = stored(stack, len(sentry.ids), "errors", f"release = '{sentry.release}'")
    assert sorted(event["event_id"] for event in events) == sorted(sentry.ids)


def kill_the_broker(stack: RunningStack, clients: Sequence[Client | NodeClient]) -> None:
    """While they send; until some of their requests have failed, and later ones are accepted again."""
    attempts = [each for client in clients for each in client.attempts.values()]
    wait_until(lambda: all(each.accepted >= 3 for each in attempts), 30, "requests before")
    os.kill(stack.pid("kafka"), signal.SIGKILL)
    wait_until(lambda: all(each.failed for each in attempts), 60, "requests that failed")
    before = [each.accepted for each in attempts]
    wait_until(lambda: all(each.accepted > n for each, n in zip(attempts, before, strict=True)), 60, "accepted again")


@contextmanager
def patient_gateway(stack: RunningStack) -> Iterator[str]:
    """The URL of a further gateway, which waits for the queue as long as it takes."""
    port = free_port()
    own = {"SLUICE_GATEWAY_PORT": str(port), "SLUICE_GATEWAY_PUBLISH_TIMEOUT_S": "120"}
    environment = {**unset_of_sluice(), **stack.env, **IMPATIENT, **own}
    gateway = SluiceProcess("gateway", environment, stack.folder / "log" / "gateway-patient.log")
    try:
        wait_until(lambda: "gateway listens" in gateway.log.read_text(), 60, "a further gateway")
        yield f"http://{HOST}:{port}"
    finally:
        gateway.stop()


def proliferate_body(stack: RunningStack) -> bytes:
    key = stack.env["SLUICE_PUBLIC_KEY"]
    return b'{"api_key":"%s","logs":[{"level":"info","message":"m"}]}' % key.encode()
