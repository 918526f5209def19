"""Every curl line of the pages about reading and alerts (reading.md, "Questions"), run against a gateway with something
to find."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.query.place import encode_place
from shared.alerts.progress import Progress
from shared.alerts.rule import Rule
from shared.clients.postgres import connect
from shared.keys import create_key, generate
from tests.event_stream import read_events
from tests.integration.gateway.gateway_process import PROJECT, GatewayProcess, Keys
from tests.integration.gateway.query.questions import HOUR
from tests.integration.gateway.query.read_api import temporary_store

PAGES = [Path(__file__).parents[3] / "deploy/docs" / f"{name}.md" for name in ("reading", "alerts")]
EXAMPLES = [line for page in PAGES for line in re.findall(r"^curl .*$", page.read_text(), re.MULTILINE)]
FINGERPRINT, TRACE_ID, VIEW = "a" * 64, "trace_abc123def456", "view_0123456789abcdef"
ALERT = "alert_0123456789abcdef"


@pytest.fixture(scope="module")
def shell(
    keys_url: str, keys: Keys, redis_url: str, clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of the examples, as the page's first lines make it of `var/env`."""
    now = time.time_ns() // 1000 - 60_000_000
    with temporary_store(clickhouse_url) as store:
        common = {"timestamp": now, "trace_id": TRACE_ID, "service": "api", "release": "r1"}
        log = {**common, "service": "checkout", "attributes": '{"route":"/pay"}'}
        # The second is so old that it is in any state: no queue brought these.
        store.add_logs(log, log | {"timestamp": now - 2 * HOUR})
        store.add_errors({**common, "fingerprint": FINGERPRINT, "event_id": "e"})
        store.add_spans({**common, "span_id": "s"}, {**common, "span_id": "t", "timestamp": 1_768_478_400_000_000})
        store.add_calls({**common, "model": "m", "latency_ms": 3000, "attributes": '{"feature":"chat"}'})
        save_view(keys_url)
        operate = make_rule(keys_url)
        services = {"SLUICE_POSTGRES_URL": keys_url, "SLUICE_REDIS_URL": redis_url, "SLUICE_CLICKHOUSE_URL": store.url}
        gateway = GatewayProcess(tmp_path_factory.mktemp("reading"), keys, services, read_limit=1_000_000)
        yield {
            "KEY": f"X-API-Key: {keys.read}",
            "TRIAGE": f"X-API-Key: {keys.triage}",
            "OPERATE": f"X-API-Key: {operate}",
            "API": f"http://127.0.0.1:{gateway.port}/api/v1/projects/{PROJECT}",
            "FINGERPRINT": FINGERPRINT,
            "TRACE_ID": TRACE_ID,
            "VIEW": VIEW,
            "ALERT": ALERT,
            "REF": encode_place([now, now, 0, 1, 0, "logs"]),
        }
        gateway.stop()


def save_view(url: str) -> None:
    with connect(url) as db:
        db.execute("DELETE FROM views")
        values = [VIEW, PROJECT, "traces", "a view", "", "key_0"]
        db.execute(
            "INSERT INTO views (id, project_id, page, name, state, created_by) VALUES (%s,%s,%s,%s,%s,%s)", values
        )


def make_rule(url: str) -> str:
    """A rule whose alerts nobody takes; a key that may change it."""
    rule = Rule(name="lag", kind="lag", minutes=60)
    key = generate("dt")
    with connect(url) as db:
        create_key(db, PROJECT, key, scopes=["triage", "operate"])
        db.execute("DELETE FROM alert_rules")
        texts = [msgspec.json.encode(each).decode() for each in (rule, Progress(judged_to=0))]
        db.execute(
            "INSERT INTO alert_rules (id, project_id, name, rule, url, secret, progress, created_by)"
            " VALUES (%s, %s, 'lag', %s, 'https://127.0.0.1:1', 'a secret', %s, 'ana')",
            [ALERT, PROJECT, *texts],
        )
    return key


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_finds_what_there_is(shell: dict[str, str], example: str) -> None:
    done = subprocess.run(
        ["bash", "-c", example], env={"PATH": "/usr/bin:/bin"} | shell, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "/tail" in example:
        assert [event.name for event in read_events(done.stdout.encode())] == ["progress", "end"]
        return
    answer = _manifest(done.stdout) if "/logs/export?" in example else json.loads(done.stdout)
    found = [value for name, value in answer.items() if name not in ("range", "complete_up_to", "as_of")]
    assert any(found), answer


def _manifest(file: str) -> dict[str, Any]:
    """How many logs an export has, and nothing else that it says."""
    text = file[file.rindex("manifest") :].replace('""', '"')
    return {"rows": int(text.partition('"rows":')[2].partition(",")[0])}


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8
