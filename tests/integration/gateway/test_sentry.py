"""Sentry's SDKs against `sluice up`, by the DSN that it prints (sentry.md).

The SDK is installed from PyPI into a folder of its own and runs in a Python that sees nothing else.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.gateway.test_proliferate_errors import install
from tests.integration.stack import RunningStack, running_stack, wait_until

PYTHON = """
import json, logging, os, sentry_sdk

sentry_sdk.init(os.environ["DSN"], environment="staging", release="shop@1", traces_sample_rate=1.0, enable_logs=True)
sentry_sdk.set_user({"id": "u1", "email": "a@b.c"})
with sentry_sdk.start_transaction(op="http.server", name="GET /orders"):
    with sentry_sdk.start_span(op="db", name="SELECT 1"):
        pass
    ids = [sentry_sdk.capture_message("Look here", level="warning")]
    logging.getLogger("shop").warning("order %d waits", 42)
    try:
        try:
            {}["money"]
        except KeyError as error:
            raise ValueError("bad order") from error
    except ValueError as error:
        ids.append(sentry_sdk.capture_exception(error))
sentry_sdk.flush()
print(json.dumps(ids))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("sentry") / "var") as running:
        yield running


def rows_of(stack: RunningStack, table: str, n: int) -> list[dict[str, Any]]:
    sql = f"SELECT * FROM {table} WHERE release = 'shop@1' ORDER BY timestamp"
    return wait_until(lambda: rows if len(rows := stack.rows(sql)) >= n else None, 60, f"{n} rows of {table}")


def post(stack: RunningStack, body: bytes, query: str = "", **headers: str) -> httpx.Response:
    return httpx.post(f"{stack.env['SLUICE_URL']}/api/42/envelope/{query}", content=body, headers=headers, timeout=20)


def test_pythons_sdk_unchanged(stack: RunningStack, tmp_path: Path) -> None:
    install("sentry-sdk==2.75.0", tmp_path)
    settings = {"DSN": stack.env["SLUICE_SENTRY_DSN"], "PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}
    ran = subprocess.run(
        [sys.executable, "-S", "-c", PYTHON], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=settings
    )
    assert ran.returncode == 0, ran.stderr
    said, thrown = rows_of(stack, "errors", 2)
    root, child = rows_of(stack, "spans", 2)
    assert [said["event_id"], thrown["event_id"]] == json.loads(ran.stdout)
    common = {"project_id": stack.env["SLUICE_PROJECT_ID"], "environment": "staging", "user_id": "u1"}
    for row in (said, thrown):
        assert {name: row[name] for name in common} == common
        assert row["trace_id"] == root["trace_id"]
    assert (said["type"], said["error_message"], said["severity"]) == ("message", "Look here", "medium")
    assert (thrown["type"], thrown["error_message"]) == ("ValueError", "bad order")
    assert thrown["stack_trace"].index("KeyError") < thrown["stack_trace"].index("ValueError: bad order")
    assert (root["operation"], child["description"]) == ("GET /orders", "SELECT 1")
    assert child["parent_span_id"] == root["span_id"]
    (log,) = rows_of(stack, "logs", 1)
    assert (log["message"], log["level"], log["logger_name"]) == ("order 42 waits", "warn", "shop")
    assert log["trace_id"] == root["trace_id"]


def test_an_event_that_comes_again_is_stored_once_and_no_key_is_logged(stack: RunningStack) -> None:
    key = stack.env["SLUICE_PUBLIC_KEY"]
    event = b'{"event_id":"%b","message":"%b","release":"again"}'
    tunnelled = b'{"dsn":"https://%b@example.com/1"}\n{"type":"event"}\n' % key.encode()
    sent = [
        post(stack, tunnelled + event % (b"a" * 32, b"first"), origin="https://shop.example"),
        post(stack, b"{}\n" + b'{"type":"event"}\n' + event % (b"a" * 32, b"first"), f"?sentry_key={key}"),
        post(stack, b"{}\n" + b'{"type":"event"}\n' + event % (b"a" * 32, b"other"), f"?sentry_key={key}"),
        post(stack, b'{}\n{"type":"session"}\n{}', **{"x-sentry-auth": f"Sentry sentry_key={key}"}),
        post(stack, b"nonsense", f"?sentry_key={key}"),
        post(stack, b"{}", "?sentry_key=pk_unknown"),
    ]
    assert [each.status_code for each in sent] == [200, 200, 400, 200, 400, 401]
    assert sent[0].json() == sent[1].json() == {"id": "a" * 32}
    assert sent[0].headers["access-control-allow-origin"] == "https://shop.example"
    assert sent[2].headers["x-sentry-error"] == "event_id was used with another request body"
    sql = "SELECT error_message FROM errors WHERE release = 'again'"
    assert wait_until(lambda: stack.rows(sql), 60, "the event") == [{"error_message": "first"}]
    logged = b"".join(file.read_bytes() for file in (stack.folder / "log").iterdir())
    assert key.encode() not in logged
    assert b"sentry_key" not in logged
