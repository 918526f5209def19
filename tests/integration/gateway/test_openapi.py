"""`/openapi.json` against a gateway process on real engines: what it says is what the gateway does.

Checks of schemathesis that are left out, because JSON Schema can't say what the contracts are:
`negative_data_rejection` (a bad entry of a batch is dropped and counted, times and levels are read leniently, an empty
parameter means absent) and `positive_data_acceptance` (a cursor must come from a Link header, an Idempotency-Key must
not come with another body, an error must have an exception or a message, Zod counts UTF-16 units).
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.query.place import encode_place
from shared.clients.postgres import connect
from shared.keys import create_key, generate
from tests.integration.gateway.gateway_process import PROJECT, GatewayProcess, Keys
from tests.integration.gateway.query.read_api import NOON, temporary_store
from tests.unit.gateway.sourcemaps.forms import CONTENT_TYPE, upload

ROOT = Path(__file__).parents[3]
CONFIG = Path(__file__).with_name("openapi.toml")
EXAMPLES = 6
"""Random requests to each operation. A run with a key has some 4,000 more: each boundary of each parameter."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "missing_required_header",
    "ignored_auth",
)
SECONDS = int(os.environ.get("SLUICE_FUZZ_SECONDS", "0"))
"""How long each run goes on; 0: one short run, the same every time."""

EVENT, RELEASE = "an-event/with a slash", "a release/with a slash"
FINGERPRINT = "f" * 64


@pytest.fixture(scope="module")
def gateway(
    keys_url: str, keys: Keys, redis_url: str, clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway of both roles, with a log and an error to find."""
    with temporary_store(clickhouse_url) as store:
        full = {"attributes": '{"a":1}', "user": '{"plan":"pro"}', "line_number": 3, "user_id": "u"}
        store.add_logs({"trace_id": "t", **full}, {"trace_id": "t"})
        store.add_errors({"trace_id": "t", "event_id": EVENT, "fingerprint": FINGERPRINT, "fingerprint_parts": "[1]"})
        store.add_spans({"trace_id": "t", "span_id": "s", "attributes": '{"a":1}'})
        store.add_calls({"trace_id": "t", "model": "m", "attributes": '{"a":1}', "timestamp": time.time_ns() // 1000})
        services = {
            "SLUICE_POSTGRES_URL": keys_url,
            "SLUICE_REDIS_URL": redis_url,
            "SLUICE_CLICKHOUSE_URL": store.url,
        }
        folder = tmp_path_factory.mktemp("openapi")
        running = GatewayProcess(folder, keys, services, ingest_limit=10_000_000, read_limit=10_000_000)
        form = upload(RELEASE)
        assert running.post("/ingest/sourcemaps", form, content_type=CONTENT_TYPE.decode()).status == 200
        yield running
        running.stop()


@pytest.fixture(scope="module")
def all_scopes(keys_url: str) -> str:
    """A key that may do everything."""
    key = generate("dt")
    with connect(keys_url) as db:
        create_key(db, PROJECT, key, scopes=["ingest", "read", "triage", "operate"])
    return key


@pytest.fixture(scope="module")
def rules(gateway: GatewayProcess, all_scopes: str) -> list[str]:
    """Alert rules, made before the project has as many as it may. What one sends is refused."""
    body = {"kind": "new_group", "url": "https://127.0.0.1:1"}
    return [_made(gateway, all_scopes, "alerts", body) for _ in range(20)]


@pytest.fixture
def document(gateway: GatewayProcess) -> dict[str, Any]:
    made: dict[str, Any] = gateway.request("GET", "/openapi.json").json
    return made


def test_it_is_served_without_a_key_to_browsers_too(gateway: GatewayProcess) -> None:
    answer = gateway.request("GET", "/openapi.json", headers={"Origin": "https://docs.example"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "https://docs.example"
    head = gateway.request("HEAD", "/openapi.json/")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.body))
    assert gateway.request("POST", "/openapi.json").status == 405


def test_every_example_is_answered_as_it_says(gateway: GatewayProcess, document: dict[str, Any]) -> None:
    sent = 0
    for path, item in document["paths"].items():
        post = item.get("post", {})
        for media_type, content in post.get("requestBody", {"content": {}})["content"].items():
            for name, example in content.get("examples", {}).items():
                body = example["value"] if media_type == "application/json" else example["value"].encode()
                named = path.replace("{project_id}", PROJECT).replace("{sentry_project}", "1")
                answer = gateway.post(named, body, content_type=media_type)
                [(status, told)] = [each for each in post["responses"].items() if each[0].startswith("2")]
                expected = told["content"]["application/json"]["examples"][name]["value"]
                assert (answer.status, answer.json) == (int(status), expected), (path, name)
                sent += 1
    assert sent >= 11


@pytest.mark.timeout(300 + SECONDS)
@pytest.mark.parametrize("with_key", [True, False], ids=["with a key", "without one"])
def test_no_request_that_schemathesis_thinks_of_gets_an_answer_that_is_not_in_it(
    gateway: GatewayProcess,
    document: dict[str, Any],
    all_scopes: str,
    rules: list[str],
    with_key: bool,
    tmp_path: Path,
) -> None:
    length = (
        ["--max-time", str(SECONDS)] if SECONDS else ["--generation-deterministic", "--max-examples", str(EXAMPLES)]
    )
    header = ["--header", f"Authorization: Bearer {all_scopes}"] if with_key else []
    phases = "examples,coverage,fuzzing" if with_key else "examples,fuzzing"
    report = tmp_path / "report.ndjson"
    view, *views = [saved_view(gateway, all_scopes) for _ in range(20)]
    rule, *to_delete = rules
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("st"), "--config-file", CONFIG),
            *("run", f"http://127.0.0.1:{gateway.port}/openapi.json"),
            *("--checks", ",".join(CHECKS), "--phases", phases, "--continue-on-failure"),
            *("--report-ndjson-path", report, "--no-color", *length, *header),
        ],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("SCHEMATHESIS_")},
            "SCHEMATHESIS_HOOKS": "tests.integration.gateway.openapi_hooks",
            "PYTHONPATH": str(ROOT),
            "OPENAPI_PROJECT_ID": PROJECT,
            "OPENAPI_EVENT_ID": EVENT,
            "OPENAPI_RELEASE": RELEASE,
            "OPENAPI_FINGERPRINT": FINGERPRINT,
            "OPENAPI_TRACE_ID": "t",
            "OPENAPI_VIEW_ID": view,
            "OPENAPI_VIEW_ID_TO_DELETE": " ".join(views),
            "OPENAPI_RULE_ID": rule,
            "OPENAPI_RULE_ID_TO_DELETE": " ".join(to_delete),
            "OPENAPI_REF": encode_place([NOON, NOON, 0, 1, 0, "logs"]),
        },
        cwd=tmp_path,  # where schemathesis keeps files of its own
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    check_all_asked(document, statuses(report), with_key)


def check_all_asked(document: dict[str, Any], answered: dict[str, set[int]], with_key: bool) -> None:
    """Each operation was tried, and did what it is for if it could."""
    del document["paths"]["/openapi.json"]["get"]  # schemathesis doesn't request the document again
    for path, item in document["paths"].items():
        for method in item.keys() - {"parameters"}:
            seen = answered[f"{method.upper()} {path}"]
            assert seen, (method, path)
            is_open = path.startswith(("/health", "/metrics", "/openapi", "/ingest/drain"))
            answered_well, may_be = bool(seen & {200, 201, 202}), with_key or is_open
            few = method == "head"  # they may all be wrong ones
            assert answered_well == may_be or (few and not answered_well), (method, path, seen)


def saved_view(gateway: GatewayProcess, key: str) -> str:
    """The id of a new view."""
    return _made(gateway, key, "views", {"page": "logs", "state": ""})


def _made(gateway: GatewayProcess, key: str, what: str, body: dict[str, str]) -> str:
    named = json.dumps(body | {"name": secrets.token_hex(8)}).encode()
    headers = {"Authorization": f"Bearer {key}"}
    return str(gateway.request("POST", f"/api/v1/projects/{PROJECT}/{what}", named, headers).json["id"])


def statuses(report: Path) -> dict[str, set[int]]:
    """Operation -> statuses of its answers."""
    found: dict[str, set[int]] = defaultdict(set)
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder")
        for interaction in (recorder or {}).get("interactions", {}).values():
            if response := interaction.get("response"):
                found[recorder["label"]].add(response["status_code"])
    return found
