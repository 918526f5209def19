"""The data folder: one owner, memory, files replaced whole; and `sluice status`, which only reads it."""

import json
import os
import socket
import stat
import time
from pathlib import Path

import pytest

from deploy.local.folder import DataFolder, InUse, write_whole
from deploy.local.ports import FIRST, LAST, free_port, is_free
from deploy.local.status import processes, status

ROW = {"role": "writer", "pid": 7, "port": 20001, "state": "running", "restarts": 2, "since": None}


def test_a_folder_has_one_owner_and_the_second_learns_its_pid(tmp_path: Path) -> None:
    first, second = DataFolder(tmp_path), DataFolder(tmp_path)
    first.acquire()
    with pytest.raises(InUse, match=f"pid {os.getpid()}"):
        second.acquire(patience_s=0.1)
    first.release()
    second.acquire()
    second.release()


def test_passwords_and_ports_stay_once_chosen(tmp_path: Path) -> None:
    password = DataFolder(tmp_path).password("postgres")
    DataFolder(tmp_path).remember("ports", "postgres", 20123)
    again = DataFolder(tmp_path)
    assert again.password("postgres") == password
    assert again.password("redis") != password
    assert again.recall("ports", "postgres") == 20123


def test_what_is_remembered_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    DataFolder(tmp_path).password("postgres")
    assert stat.S_IMODE((tmp_path / "local.json").stat().st_mode) == 0o600


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / "env"
    write_whole(file, "A=1\n")
    write_whole(file, "A=2\n")
    assert file.read_text() == "A=2\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["env"]


def test_status_lists_nothing_where_nobody_owns_the_folder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    write_whole(folder.state, json.dumps({"processes": [ROW]}))  # left by a supervisor that was killed
    assert processes(folder) == []
    folder.acquire()
    folder.release()
    assert processes(DataFolder(tmp_path)) == []


def test_status_of_a_folder_that_does_not_exist_makes_none(tmp_path: Path) -> None:
    assert processes(DataFolder(tmp_path / "nothing")) == []
    assert not (tmp_path / "nothing").exists()


def test_status_as_json_has_exactly_the_documented_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = DataFolder(tmp_path)
    folder.acquire()
    write_whole(folder.state, json.dumps({"processes": [ROW]}))
    status(tmp_path, as_json=True)
    expected = {"role": "writer", "pid": 7, "port": 20001, "state": "running", "restarts": 2}
    assert json.loads(capsys.readouterr().out) == {"processes": [expected]}
    folder.release()


def test_status_for_people_shows_one_line_a_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = DataFolder(tmp_path)
    folder.acquire()
    write_whole(folder.state, json.dumps({"processes": [{**ROW, "since": time.monotonic() - 61}]}))
    status(tmp_path)
    line = next(line for line in capsys.readouterr().out.splitlines() if "writer" in line)
    assert "20001" in line
    assert "0:01:01" in line
    folder.release()


def test_a_taken_port_is_replaced_by_a_free_one_below_those_of_outgoing_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert not is_free(taken)
        port = free_port(taken)
    assert FIRST <= port < LAST


def test_a_preferred_port_is_taken_when_it_is_free() -> None:
    port = free_port()
    assert free_port(None, port) == port
