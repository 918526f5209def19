"""The supervisor: who is restarted when, and who is stopped before whom. Time is given, never waited for."""

import time
from pathlib import Path
from typing import Any

import pytest

from deploy.local.child import DidNotStart
from deploy.local.supervisor import Supervisor
from shared.processes import CALM_S, pause_s
from tests.unit.deploy.test_local_child import STUBBORN, Stub, eventually


class Watching:
    """A supervisor and everything it told."""

    def __init__(self) -> None:
        self.rows: list[list[dict[str, Any]]] = []
        self.sentences: list[str] = []
        self.supervisor = Supervisor(self.rows.append, self.sentences.append)

    def states(self) -> list[str]:
        return [row["state"] for row in self.rows[-1]]


@pytest.fixture
def watching() -> Any:
    watching = Watching()
    yield watching
    watching.supervisor.kill()


def stub(folder: Path, name: str, program: str | None = None) -> Stub:
    (folder / name).mkdir()
    child = Stub(folder / name, program) if program else Stub(folder / name)
    child.role = name
    return child


def wait_until_running(supervisor: Supervisor, now: float) -> None:
    def running() -> bool:
        supervisor.tick(now)
        return all(watched.state == "running" for watched in supervisor.watched)

    assert eventually(running), "it did not come up again"


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [pause_s(deaths) for deaths in (1, 2, 3, 4, 20)] == [0.25, 0.5, 1.0, 2.0, 30.0]


def test_a_child_that_dies_is_started_again_after_its_pause(tmp_path: Path, watching: Watching) -> None:
    child = stub(tmp_path, "writer")
    watching.supervisor.start([child])
    first_pid, now = child.pid, time.monotonic()
    child.kill()
    watching.supervisor.tick(now)
    assert watching.states() == ["waiting"]
    watching.supervisor.tick(now + 0.2)
    assert child.pid is None
    wait_until_running(watching.supervisor, now + 0.25)
    row = watching.rows[-1][0]
    assert row["restarts"] == 1
    assert row["pid"] not in (None, first_pid)


def test_deaths_in_a_row_lengthen_the_pause_until_a_calm_minute(tmp_path: Path, watching: Watching) -> None:
    child = stub(tmp_path, "writer")
    watching.supervisor.start([child])
    watched, now = watching.supervisor.watched[0], time.monotonic()
    pauses = []
    for alive_s in (0.0, 1.0, CALM_S + 1):
        now += alive_s
        child.kill()
        watching.supervisor.tick(now)
        pauses.append(watched.restart.at - now)
        now = watched.restart.at
        wait_until_running(watching.supervisor, now)
    assert pauses == pytest.approx([0.25, 0.5, 0.25])


def test_a_restart_that_fails_is_tried_again_and_counted(tmp_path: Path, watching: Watching) -> None:
    child = stub(tmp_path, "gateway")
    watching.supervisor.start([child])
    now = time.monotonic()
    child.program, good = "import sys; sys.exit('broken')", child.program
    child.kill()
    watching.supervisor.tick(now)

    def given_up() -> bool:
        watching.supervisor.tick(now + 0.25)
        return watching.states() == ["waiting"] and "broken" in watching.sentences[-1]

    assert eventually(given_up)
    child.program = good
    wait_until_running(watching.supervisor, now + 10)
    assert watching.rows[-1][0]["restarts"] == 2


def test_the_last_group_is_stopped_first(tmp_path: Path, watching: Watching) -> None:
    engine, writer, gateway = (stub(tmp_path, role) for role in ("engine", "writer", "gateway"))
    watching.supervisor.start([engine], [writer], [gateway])
    watching.supervisor.stop()

    def first_asked(role: str) -> dict[str, dict[str, Any]]:
        """The report in which this role is first told to stop: role -> row."""
        reports = ({row["role"]: row for row in rows} for rows in watching.rows)
        return next(report for report in reports if role in report and report[role]["state"] == "stopping")

    assert {role: row["state"] for role, row in first_asked("gateway").items()} == {
        "gateway": "stopping",
        "writer": "running",
        "engine": "running",
    }
    assert first_asked("writer")["gateway"]["pid"] is None
    assert first_asked("writer")["engine"]["state"] == "running"
    assert first_asked("engine")["writer"]["pid"] is None
    assert watching.rows[-1] == []


def test_a_child_that_does_not_stop_in_time_is_killed_and_named(tmp_path: Path, watching: Watching) -> None:
    child = stub(tmp_path, "writer", STUBBORN)
    child.stop_timeout_s = 0.2
    watching.supervisor.start([child])
    watching.supervisor.stop()
    assert child.pid is None
    assert "writer took longer" in watching.sentences[-1]


def test_a_start_that_fails_leaves_the_others_to_be_stopped(tmp_path: Path, watching: Watching) -> None:
    good, bad = stub(tmp_path, "clickhouse"), stub(tmp_path, "postgres", "import sys; sys.exit('no')")
    with pytest.raises(DidNotStart, match="postgres"):
        watching.supervisor.start([good, bad])
    watching.supervisor.stop()
    assert good.pid is None
