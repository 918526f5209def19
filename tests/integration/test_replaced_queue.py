"""Another file takes the place of the queue file under real processes, a gateway and a writer: they go on by
themselves, and nothing that is acknowledged afterwards is skipped (kind: ABA)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import RunningStack, running_stack, wait_until


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    with running_stack(tmp_path / "var") as running:
        yield running


def test_an_empty_file_in_place_of_a_used_one_stops_nothing(stack: RunningStack) -> None:
    pids = {role: stack.pid(role) for role in ("gateway", "writer")}
    assert send(stack, "before", 60) == 60
    wait_until(lambda: stored(stack) == 60, 60, "60 rows")
    path = Path(stack.env["SLUICE_QUEUE_URL"].removeprefix("sqlite:///"))
    new = path.with_name("new.db")
    variables = os.environ | stack.env | {"SLUICE_QUEUE_URL": f"sqlite:///{new}"}
    made = subprocess.run(
        [sys.executable, "-m", "shared.cli", "migrate"], env=variables, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    os.replace(new, path)  # as an operator who forgets the log beside it
    acknowledged = send(stack, "after", 30)
    assert acknowledged >= 29, "at most the one that was on its way"
    wait_until(lambda: stored(stack) >= 60 + acknowledged, 60, "the rows of what was acknowledged since")
    assert stored(stack) == stack.rows("SELECT uniqExact(message) AS n FROM logs")[0]["n"]
    assert {role: stack.pid(role) for role in pids} == pids, "nobody was restarted"
    wait_until(lambda: stack.request("GET", "/health/ready")[1]["status"] == "ok", 30, "ready")
    log = "".join(file.read_text(errors="replace") for file in stack.folder.rglob("writer*.log"))
    assert "the queue file was replaced" in log
    audited = stack.sluice("audit", "--signal", "logs")
    assert not audited["ok"], "fewer messages than rows: the queue has lost its end"
    assert audited["totals"]["missing"] == 0


def send(stack: RunningStack, text: str, n: int) -> int:
    """How many were acknowledged."""
    headers = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    statuses = []
    for number in range(n):
        body = json.dumps({"logs": [{"level": "info", "message": f"{text} {number}"}]}).encode()
        statuses.append(stack.request("POST", "/ingest/logs", body, headers)[0])
    return statuses.count(200)


def stored(stack: RunningStack) -> int:
    return int(stack.rows("SELECT count() AS n FROM logs")[0]["n"])
