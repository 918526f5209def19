"""Sentry's SDKs as they are against `sluice up`, by the DSN that it prints (sentry.md)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.integration.gateway.sentry_known import IN_TRANSACTIONS, OF_FLASK, OF_JAVASCRIPT, UNCAUGHT
from tests.integration.gateway.sentry_told import Row, Told, check, is_printed_alike
from tests.integration.stack import RunningStack, running_stack, wait_until
from tests.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Response

FIXTURES = Path(__file__).parents[2] / "fixtures" / "sentry_clients"
TOLD_WITHIN_S = 60


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("sentry") / "var") as running:
        yield running


@pytest.fixture(scope="module")
def programs(npm_folder: Callable[[str], Path]) -> Path:
    """Those in JavaScript, each beside the client that it needs."""
    return npm_folder(FIXTURES.name)


def told_by(stack: RunningStack, release: str, *command: str | Path) -> Told:
    """What a program prints, which knows the DSN, its release and its environment, and nothing else."""
    named = {"DSN": stack.env["SLUICE_SENTRY_DSN"], "RELEASE": release, "ENVIRONMENT": "staging"}
    environment = {**os.environ, **{f"SENTRY_{name}": value for name, value in named.items()}}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=TOLD_WITHIN_S, text=True)
    assert done.returncode == 0, done.stderr
    return Told(done.stdout)


def assert_joined(rows: dict[str, list[Row]], told: Told, cause: str) -> None:
    """All of it is of one trace; the error that was caught has its cause, and the group that its printed text has."""
    (root,) = (row for row in rows["spans"] if not row["parent_span_id"])
    assert {row["trace_id"] for table in rows.values() for row in table} == {root["trace_id"]}
    assert {row["parent_span_id"] for row in rows["spans"]} == {"", root["span_id"]}
    (caught,) = (row for row in rows["errors"] if row["error_message"] == "bad order")
    assert caught["span_id"] == root["span_id"]
    assert cause in caught["stack_trace"]
    assert is_printed_alike(caught, told), caught["stack_trace"]


def test_sentry_sdk_in_flask_with_logging(stack: RunningStack) -> None:
    told = told_by(stack, "flask", sys.executable, FIXTURES / "shop.py")
    rows = check(stack, told, "flask", OF_FLASK)
    assert {row["url"] for row in rows["errors"]} == {"http://localhost/orders/42"}
    assert_joined(rows, told, "KeyError: 'lines'")


@pytest.mark.parametrize("major", ["7", "9", "11"])
def test_node(stack: RunningStack, programs: Path, major: str) -> None:
    told = told_by(stack, f"node-{major}", "node", programs / "node.js", major)
    known = dict(OF_JAVASCRIPT)
    if major != "11":
        known["spans"] = IN_TRANSACTIONS
    if major == "7":
        known["logs"] = []  # it can't send any
    rows = check(stack, told, f"node-{major}", known)
    assert_joined(rows, told, "[cause]: TypeError: Cannot read properties of undefined (reading 'length')")


@pytest.mark.parametrize("way", ["direct", "tunnel", "tunnel-of-its-own"])
def test_a_page_of_another_origin(stack: RunningStack, programs: Path, chromium: "Browser", way: str) -> None:
    bundle = ["npx", "esbuild", "page.js", "--bundle", "--outfile=page.bundle.js", "--log-level=warning"]
    subprocess.run(bundle, cwd=programs, check=True, timeout=TOLD_WITHIN_S)
    page, envelopes = chromium.new_page(), f"{stack.env['SLUICE_URL']}/api/1/envelope/"
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    with served(programs, tunnel_to=envelopes) as origin:
        page.goto(f"{origin}/page.html")
        tunnel = {"tunnel": envelopes, "tunnel-of-its-own": f"{origin}/tunnel"}.get(way)
        options = {"dsn": dsn_for(stack, origin), "tunnel": tunnel, "release": way, "environment": "staging"}
        told = Told(json.dumps(page.evaluate("send", options)))
    posted = {(answer.url.partition("?")[0], answer.status) for answer in answers if answer.request.method == "POST"}
    page.close()
    assert posted == {(tunnel or envelopes, 200)}
    assert all(("dsn" in header) == (tunnel is not None) for header, _ in told.envelopes)
    rows = check(stack, told, way, OF_JAVASCRIPT | {"errors": [*OF_JAVASCRIPT["errors"], UNCAUGHT]})
    assert {row["url"] for row in rows["errors"]} == {f"{origin}/page.html"}
    assert_joined(rows, told, "[cause]: TypeError: Cannot read properties of undefined (reading 'length')")


def dsn_for(stack: RunningStack, origin: str) -> str:
    """Of a key that pages of this origin alone may use."""
    ingest = ("--project", stack.env["SLUICE_PROJECT_ID"], "--kind", "pk", "--origin", origin)
    made: str = stack.sluice("key", "create", *ingest)["dsn"]
    return made


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


def post(stack: RunningStack, body: bytes, query: str = "", **headers: str) -> httpx.Response:
    return httpx.post(f"{stack.env['SLUICE_URL']}/api/42/envelope/{query}", content=body, headers=headers, timeout=20)


def test_each_record_was_stored_once(stack: RunningStack) -> None:
    told = stack.sluice("audit")
    assert told["ok"], told
