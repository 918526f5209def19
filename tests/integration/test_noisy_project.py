"""A project that sends more than its share waits for itself: a quiet one beside it is stored at once, and nothing is
lost or doubled."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from tests.faults.processes import frozen
from tests.integration.stack import RunningStack, running_stack, wait_until

LOGS = 100
"""Of a noisy request; as many a second are a project's share."""

SETTINGS = {
    "SLUICE_GATEWAY_LANE_RECORDS_S": str(LOGS),
    "SLUICE_WRITER_SESSION_TIMEOUT_S": "60",  # a writer that is frozen for a moment is still one
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("noisy") / "var", "--gateways", "2", environment=SETTINGS) as running:
        with connect(running.env["SLUICE_POSTGRES_URL"]) as db:
            create_project(db, Project(id="quiet", name="quiet"))
        yield running


class Sender:
    """Sends the logs of one project, and counts those that were accepted."""

    def __init__(self, stack: RunningStack, project: str) -> None:
        self._stack = stack
        self.project = project
        self._key = generate("dt")
        self.sent = 0
        with connect(stack.env["SLUICE_POSTGRES_URL"]) as db:
            create_key(db, project, self._key, scopes=["ingest"], ingest_limit=0)

    def send(self, n: int) -> None:
        body = json.dumps({"logs": [{"level": "info", "message": "m"}] * n}).encode()
        assert self._stack.request("POST", "/ingest/logs", body, {"X-API-Key": self._key})[0] == 200
        self.sent += n

    def stored(self, topic: str = "logs%") -> int:
        where = f"project_id = '{self.project}' AND _topic LIKE '{topic}'"
        return int(self._stack.rows(f"SELECT count() AS n FROM logs WHERE {where}")[0]["n"])


def overflow_lag(stack: RunningStack) -> int:
    """Messages that wait in the overflow topic, as the API tells it."""
    status, found = stack.read(f"/api/v1/projects/{stack.env['SLUICE_PROJECT_ID']}/delivery")
    assert status == 200
    return sum(lane["lag_messages"] for lane in found["lanes"] if lane["topic"] == "logs.overflow")


def test_a_noisy_project_waits_for_itself_and_no_other_for_it(stack: RunningStack) -> None:
    noisy, quiet = Sender(stack, stack.env["SLUICE_PROJECT_ID"]), Sender(stack, "quiet")

    def overflows() -> bool:
        noisy.send(LOGS)
        return noisy.stored("logs.overflow") > 0

    wait_until(overflows, 60, "the noisy project in the overflow topic")
    with frozen(stack.pid("overflow-writer")):
        for _ in range(20):
            noisy.send(LOGS)
            quiet.send(1)
        wait_until(lambda: quiet.stored() == quiet.sent, 60, "the quiet project's logs")
        assert overflow_lag(stack) > 0
        lag: dict[str, Any] = stack.sluice("lag", "--signal", "logs.overflow")
        assert lag["totals"]["lag_messages"] > 0
    wait_until(lambda: noisy.stored() == noisy.sent, 60, "the noisy project's logs")
    wait_until(lambda: overflow_lag(stack) == 0, 60, "no lag")
    assert quiet.stored("logs.overflow") == 0
    assert 0 < noisy.stored("logs.overflow") < noisy.sent, "its first ones took the usual topic"
    audit = stack.sluice("audit", "--signal", "logs")
    assert audit["ok"]
    assert {lane["topic"] for lane in audit["partitions"]} == {"logs", "logs.overflow"}
