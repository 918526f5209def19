"""What an operator sees: metrics of both sides; and what nobody must see: keys in logs, metrics or the queue."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared import registry, settings
from shared.queue import open_queue
from shared.version import VERSION
from tests.integration.stack import RunningStack, running_stack, wait_until


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack that has taken requests on every route, with keys in the header and in the body, and refused some."""
    with running_stack(tmp_path_factory.mktemp("seen") / "var") as running:
        bearer = {"Authorization": f"Bearer {running.env['SLUICE_INGEST_KEY']}"}
        public, ingest = running.env["SLUICE_PUBLIC_KEY"], running.env["SLUICE_INGEST_KEY"]
        log = {"level": "info", "message": "seen"}
        error = {"error_message": "boom", "stack_trace": "Error: boom", "api_key": ingest}
        for path, body, headers in (
            ("/ingest/logs", {"logs": [log]}, bearer),
            ("/ingest/logs", {"logs": [log], "api_key": ingest}, {}),
            ("/ingest/logs", {"logs": []}, bearer),
            ("/ingest/errors", error, {}),
            ("/ingest/drain", [{"id": "1", "message": "drained"}, "no entry"], bearer),
            ("/api/v1/logs/batch", {"api_key": public, "logs": [log, {"level": "loud", "message": "m"}]}, {}),
            ("/api/v1/logs/batch", {"api_key": "pk_not_a_key_of_anybody", "logs": [log]}, {}),
        ):
            running.request("POST", path, json.dumps(body).encode(), headers)
        wait_until(lambda: len(running.rows("SELECT 1 FROM logs")) == 4, 60, "the logs stored")
        wait_until(lambda: len(running.rows("SELECT 1 FROM errors")) == 1, 60, "the error stored")
        yield running


def samples(port: int) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """(name, labels) -> value of everything in a process's /metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        text = response.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def port_of(stack: RunningStack, role: str) -> int:
    return next(process["port"] for process in stack.processes() if process["role"] == role)


def test_the_gateway_counts_requests_and_records_by_route_and_outcome(stack: RunningStack) -> None:
    found = samples(port_of(stack, "gateway"))

    def value(name: str, **labels: str) -> float:
        return found.get((name, frozenset(labels.items())), 0.0)

    assert value("sluice_requests_total", route="/ingest/logs", outcome="accepted") == 2
    assert value("sluice_requests_total", route="/ingest/logs", outcome="invalid") == 1
    assert value("sluice_requests_total", route="/api/v1/logs/batch", outcome="unauthenticated") == 1
    assert value("sluice_records_total", route="/api/v1/logs/batch", outcome="accepted") == 1
    assert value("sluice_records_total", route="/api/v1/logs/batch", outcome="dropped") == 1
    assert value("sluice_drops_total", signal="logs", reason="invalid") == 1
    assert value("sluice_drops_total", signal="drain", reason="invalid") == 1
    assert value("sluice_publish_seconds_count") == 5
    assert value("sluice_request_seconds_count", route="/ingest/logs") == 3
    assert value("sluice_request_seconds_count", route="/ingest/drain") == 1


def test_the_writer_tells_rows_batches_ages_inserts_and_lag(stack: RunningStack) -> None:
    wait_until(lambda: any(name == "sluice_lag_messages" for name, _ in samples(port_of(stack, "writer"))), 60, "a lag")
    found = samples(port_of(stack, "writer"))
    logs = frozenset({("table", "logs")})
    assert found["sluice_rows_total", logs] == 4
    for name in ("sluice_batch_rows", "sluice_batch_age_seconds", "sluice_insert_seconds"):
        assert found[f"{name}_count", logs] >= 1
    assert sum(value for (name, _), value in found.items() if name == "sluice_lag_messages") == 0


@pytest.mark.parametrize("role", ["gateway", "writer"])
def test_every_process_tells_its_version_its_memory_and_how_late_its_loop_is(stack: RunningStack, role: str) -> None:
    wait_until(lambda: samples(port_of(stack, role))["sluice_event_loop_lag_seconds_count", frozenset()] > 1, 60, "it")
    found = samples(port_of(stack, role))
    builds = [dict(labels) for name, labels in found if name == "sluice_build_info"]
    assert builds == [{"version": VERSION, "envelope": "2"}]
    assert found["process_resident_memory_bytes", frozenset()] > 10_000_000
    assert found["process_cpu_seconds_total", frozenset()] > 0
    assert found["process_open_fds", frozenset()] > 0


def test_no_key_reaches_a_log_or_a_metric(stack: RunningStack) -> None:
    texts = {file.name: file.read_text(errors="replace") for file in (stack.folder / "log").glob("*.log")}
    assert "gateway.log" in texts
    assert "writer.log" in texts
    for role in ("gateway", "writer"):
        texts[f"{role} /metrics"] = str(samples(port_of(stack, role)))
    assert [(name, key) for name, text in texts.items() for key in keys(stack) if key in text] == []


async def test_no_key_reaches_the_queue(stack: RunningStack) -> None:
    queue = open_queue(settings.load(stack.env))
    lanes = await queue.lanes(registry.load().signals)
    ends = await queue.end_offsets(lanes)
    messages = [message for lane in lanes async for page in queue.read(lane, 0, ends[lane]) for message in page]
    await queue.close()
    assert len(messages) == 5
    assert [key for message in messages for key in keys(stack) if key.encode() in message.value] == []


def keys(stack: RunningStack) -> list[str]:
    names = ("SLUICE_INGEST_KEY", "SLUICE_PUBLIC_KEY", "SLUICE_READ_KEY")
    return [*(stack.env[name] for name in names), "pk_not_a_key_of_anybody"]


def test_the_demo_keys_are_readable_by_their_owner_only(stack: RunningStack) -> None:
    files = [Path(stack.folder / "env"), *stack.folder.glob("*keys*")]
    assert [oct(file.stat().st_mode & 0o777) for file in files if file.is_file()] == ["0o600"] * len(files)
