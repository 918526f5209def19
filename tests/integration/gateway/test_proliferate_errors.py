"""`POST /api/v1/errors` against `sluice up`, driven by both PyPI clients as they are
(contracts.md, "`POST /api/v1/errors`").

Each client is installed from PyPI into a folder of its own and runs in a Python that sees nothing else.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.stack import RunningStack, running_stack, wait_until

CONSTRAINTS = Path(__file__).parents[3] / "constraints.txt"
INSTALLED_WITHIN_S = 100
PATH = "/api/v1/errors"

FIRST = """
import json, os, sys, proliferate
# The endpoint is given whole, the key goes into the body. `init` sends the ping.
proliferate.init(os.environ["URL"] + "/api/v1/errors", os.environ["KEY"], environment="staging", release="r1")
proliferate.set_user({"id": "u1", "email": "a@b.c"})
proliferate.set_account({"id": "acct", "name": "Acme"})
proliferate.set_tag("step", "pay")
ids = [proliferate.capture_message("Look here", level="warning", extra={"order": 5})]
try:
    {}["money"]
except KeyError as error:
    ids.append(proliferate.capture_exception(error))
print(json.dumps(ids), flush=True)
raise ValueError("nobody caught me")
"""

SECOND = """
import json, os, sys, proliferate
# `/v1/errors` is put behind the endpoint, the key goes into X-API-Key, a thread sends.
proliferate.init(os.environ["KEY"], endpoint=os.environ["URL"] + "/api", environment="staging", release="r2")
proliferate.set_user({"id": 7, "email": "a@b.c", "plan": "pro"})
proliferate.set_tag("step", "pay")
try:
    {}["money"]
except KeyError as error:
    ids = [proliferate.capture_exception(error)]
try:
    raise ValueError("nobody caught me")
except ValueError:
    sys.excepthook(*sys.exc_info())
proliferate.close()
print(json.dumps(ids))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("errors") / "var") as running:
        yield running


@pytest.fixture(scope="module")
def client(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], list[str]]:
    """Runs a program with one version of the client; gives the event ids that it prints."""

    def run(version: str, program: str) -> list[str]:
        folder = tmp_path_factory.mktemp("client")
        install(f"proliferate-ai=={version}", folder)
        settings = {"URL": stack.env["SLUICE_URL"], "KEY": stack.env["SLUICE_PUBLIC_KEY"], "PYTHONPATH": str(folder)}
        # -S: no site-packages, so that the client finds its own folder only.
        ran = subprocess.run(
            [sys.executable, "-S", "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=folder,
            env={"PATH": os.environ["PATH"], **settings},
        )
        assert "nobody caught me" in ran.stderr
        ids: list[str] = json.loads(ran.stdout)
        return ids

    return run


def install(package: str, folder: Path) -> None:
    """Into the folder, with what it needs in the versions of constraints.txt. Skips where PyPI can't be reached."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    wanted = ["--retries", "1", "--target", str(folder), "--constraint", str(CONSTRAINTS), package]
    try:
        subprocess.run([*pip, *wanted], capture_output=True, text=True, timeout=INSTALLED_WITHIN_S, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{package} can't be installed from PyPI: {str(error.stderr).strip()[-200:]}")


def post(stack: RunningStack, body: object, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(stack.env["SLUICE_URL"] + PATH, content=json.dumps(body), headers=named, timeout=20)


def rows_of(stack: RunningStack, release: str, n: int) -> list[dict[str, Any]]:
    sql = f"SELECT * FROM errors WHERE release = '{release}' ORDER BY timestamp"
    return wait_until(lambda: rows if len(rows := stack.rows(sql)) >= n else None, 60, f"{n} errors of {release}")


def drops(stack: RunningStack, reason: str) -> float:
    for line in httpx.get(stack.env["SLUICE_URL"] + "/metrics").text.splitlines():
        if line.startswith("sluice_drops_total") and f'reason="{reason}"' in line and 'signal="errors"' in line:
            return float(line.rpartition(" ")[2])
    return 0.0


def test_client_0_1_0_unchanged(stack: RunningStack, client: Callable[[str, str], list[str]]) -> None:
    pinged = drops(stack, "sdk_init")
    ids = client("0.1.0", FIRST)
    said, caught, uncaught = rows_of(stack, "r1", 3)
    assert drops(stack, "sdk_init") == pinged + 1
    assert [said["event_id"], caught["event_id"]] == ids
    common = {"environment": "staging", "user_id": "u1", "user_email": "a@b.c", "account_id": "acct"}
    common |= {"account_name": "Acme", "format": "proliferate.errors", "project_id": stack.env["SLUICE_PROJECT_ID"]}
    for row in (said, caught, uncaught):
        assert {name: row[name] for name in common} == common
        assert abs((row["timestamp"] - datetime.now(UTC)).total_seconds()) < 60
        assert len(row["fingerprint"]) == 64
    assert (said["type"], said["error_message"], said["severity"], said["level"]) == (
        "message",
        "Look here",
        "medium",
        "warning",
    )
    assert json.loads(said["attributes"]) == {"tags": {"step": "pay"}, "order": 5}
    assert (caught["type"], caught["error_message"], caught["severity"]) == ("KeyError", "'money'", "high")
    assert caught["stack_trace"].startswith("Traceback (most recent call last):\n")
    assert (uncaught["type"], uncaught["error_message"]) == ("ValueError", "nobody caught me")
    assert len({row["fingerprint"] for row in (said, caught, uncaught)}) == 3


def test_client_0_2_2_unchanged(stack: RunningStack, client: Callable[[str, str], list[str]]) -> None:
    ids = client("0.2.2", SECOND)
    caught, uncaught = rows_of(stack, "r2", 2)
    assert [caught["event_id"]] == ids
    assert (caught["type"], caught["error_message"], caught["handled"]) == ("KeyError", "'money'", 1)
    assert (uncaught["type"], uncaught["error_message"], uncaught["handled"]) == ("ValueError", "nobody caught me", 0)
    for row in (caught, uncaught):
        assert (row["platform"], row["severity"], row["environment"]) == ("python", "high", "staging")
        assert (row["user_id"], row["user_email"], json.loads(row["user"])) == ("7", "a@b.c", {"plan": "pro"})
        assert json.loads(row["attributes"])["tags"] == {"step": "pay"}
        assert len(row["session_id"]) == len(row["trace_id"]) == 32
    log = {"level": "info", "message": "of that trace", "trace_id": caught["trace_id"]}
    body = json.dumps({"api_key": stack.env["SLUICE_PUBLIC_KEY"], "logs": [log]}).encode()
    assert stack.request("POST", "/api/v1/logs/batch", body)[0] == 202
    assert messages_around(stack, caught["event_id"], 1) == ["of that trace"]


def test_the_logs_of_a_hand_made_error_are_those_of_its_trace(stack: RunningStack) -> None:
    key = stack.env["SLUICE_PUBLIC_KEY"]
    event_id = "mine/4 ü"
    body = {"api_key": key, "event_id": event_id, "trace_id": "by hand", "message": "it broke", "release": "r3"}
    answer = post(stack, body)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "dropped": 0})
    assert answer.headers["x-event-id"] == "mine/4%20%C3%BC"
    logs = [{"level": "info", "message": text, "trace_id": "by hand"} for text in ("before", "after")]
    batch = json.dumps({"api_key": key, "logs": logs}).encode()
    assert stack.request("POST", "/api/v1/logs/batch", batch)[0] == 202
    rows_of(stack, "r3", 1)
    assert messages_around(stack, "mine/4%20%C3%BC", 2) == ["before", "after"]


def messages_around(stack: RunningStack, event_id: str, n: int) -> list[str]:
    path = f"/api/v1/events/{event_id}/logs"
    _, body = wait_until(lambda: found if (found := stack.read(path))[1].get("total") == n else None, 60, path)
    return [log["message"] for log in body["logs"]]


def test_an_array_is_taken_element_by_element(stack: RunningStack) -> None:
    key = stack.env["SLUICE_PUBLIC_KEY"]
    wrong = drops(stack, "wrong_key")
    errors = [
        {"api_key": key, "event_id": "one", "message": "first", "release": "r4"},
        {"api_key": "pk_other", "message": "somebody else's", "release": "r4"},
        {"api_key": key, "type": "message"},
        {"message": "last", "release": "r4", "timestamp": "2026-02-23T00:00:00Z"},
    ]
    answer = post(stack, errors)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "dropped": 2})
    assert drops(stack, "wrong_key") == wrong + 1
    first_id, made_id = answer.headers["x-event-id"].split(",")
    last, first = rows_of(stack, "r4", 2)
    assert (first["error_message"], first["event_id"], first_id) == ("first", "one", "one")
    assert (last["error_message"], last["event_id"], made_id[14]) == ("last", made_id, "7")


def test_a_repeat_of_an_event_id_is_answered_and_stored_once(stack: RunningStack) -> None:
    error = {"api_key": stack.env["SLUICE_PUBLIC_KEY"], "event_id": "again", "message": "m", "release": "r6"}
    first, second = post(stack, error), post(stack, error)
    assert (first.status_code, first.content) == (second.status_code, second.content) == (202, second.content)
    assert first.headers["x-event-id"] == second.headers["x-event-id"] == "again"
    assert post(stack, error | {"message": "another"}).status_code == 422
    assert post(stack, error | {"event_id": "last"}).status_code == 202
    wait_until(lambda: any(row["event_id"] == "last" for row in rows_of(stack, "r6", 1)), 60, "the last one")
    assert [row["event_id"] for row in rows_of(stack, "r6", 2)] == ["again", "last"]


def test_a_key_in_a_header_decides_and_no_key_is_401(stack: RunningStack) -> None:
    said = {"message": "m", "release": "r5"}
    assert post(stack, said, x_api_key=stack.env["SLUICE_PUBLIC_KEY"]).status_code == 202
    for body in (said, [said], [], {"nothing": 1}, said | {"api_key": None}, said | {"api_key": "pk_no"}):
        answer = post(stack, body)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid API key"})


def test_a_bad_single_object_is_422_and_shows_no_key(stack: RunningStack) -> None:
    key = stack.env["SLUICE_PUBLIC_KEY"]
    answer = post(stack, {"api_key": key, "type": "message"})
    assert (answer.status_code, "x-event-id" in answer.headers) == (422, False)
    missing = {"type": "missing", "loc": ["body", "message"], "msg": "Field required", "input": {"type": "message"}}
    assert answer.json() == {"detail": [missing]}
