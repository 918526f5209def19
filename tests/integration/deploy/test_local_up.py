"""`sluice up` as a person uses it: a process that is started, interfered with, and stopped."""

import json
import os
import re
import signal
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from clickhouse_driver import Client

from deploy.local.child import DidNotStart
from deploy.local.clickhouse import ClickHouse
from deploy.local.engine import Unavailable
from deploy.local.folder import DataFolder
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from tests.up import Up, sluice, wait_until

NAMES = [
    "SLUICE_URL",
    "SLUICE_PROJECT_ID",
    "SLUICE_INGEST_KEY",
    "SLUICE_PUBLIC_KEY",
    "SLUICE_READ_KEY",
    "SLUICE_SENTRY_DSN",
    "SLUICE_CLICKHOUSE_URL",
    "SLUICE_POSTGRES_URL",
    "SLUICE_REDIS_URL",
    "SLUICE_QUEUE_URL",
    "SLUICE_SOURCEMAPS_DIR",
]


@pytest.fixture(scope="module", autouse=True)
def _engines_are_here() -> None:
    for kind in (ClickHouse, Postgres, Valkey):
        try:
            kind.version()
        except Unavailable as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def up(engines_folder: Path) -> Iterator[Up]:
    with Up(engines_folder / "up") as up:
        yield up


def ingest(env: dict[str, str], message: str) -> int:
    body = json.dumps({"service": "demo", "logs": [{"level": "info", "message": message}]}).encode()
    headers = {"Authorization": f"Bearer {env['SLUICE_INGEST_KEY']}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{env['SLUICE_URL']}/ingest/logs", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


def stored(env: dict[str, str], message: str) -> int:
    client = Client.from_url(env["SLUICE_CLICKHOUSE_URL"])
    try:
        count: int = client.execute("SELECT count() FROM logs WHERE message = %(m)s", {"m": message})[0][0]
        return count
    finally:
        client.disconnect()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_env_holds_exactly_the_documented_names_and_is_private(up: Up) -> None:
    assert list(up.env()) == NAMES
    assert stat.S_IMODE((up.folder / "env").stat().st_mode) == 0o600
    assert up.env()["SLUICE_INGEST_KEY"].startswith("dt_")
    assert up.env()["SLUICE_PUBLIC_KEY"].startswith("pk_")


def test_a_log_sent_with_the_demo_key_becomes_a_row(up: Up) -> None:
    assert ingest(up.env(), "hello") == 200
    wait_until(lambda: stored(up.env(), "hello") == 1)


def test_the_printed_link_opens_the_demo_project(up: Up) -> None:
    (link,) = re.findall(r"http\S+/login/link\?token=\S+", up.folder.with_name(f"{up.folder.name}.log").read_text())
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(link, timeout=60) as page:
        html = page.read().decode()
    assert "Log in as demo" in html
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', html))
    form = urllib.request.Request(
        f"{up.env()['SLUICE_URL']}/login", urlencode(fields).encode(), {"Sec-Fetch-Site": "same-origin"}
    )
    with browser.open(form, timeout=60) as page:
        assert page.url == f"{up.env()['SLUICE_URL']}/p/demo/logs"
        assert "Log out" in page.read().decode()


def test_it_prints_how_to_fill_the_demo_project(up: Up) -> None:
    log, command = up.folder.with_name(f"{up.folder.name}.log"), f"sluice demo --data-dir {up.folder.resolve()}"
    wait_until(lambda: command in log.read_text())


def test_status_lists_every_process(up: Up) -> None:
    processes = up.processes()
    assert sorted(processes) == ["clickhouse", "gateway", "overflow-writer", "postgres", "redis", "writer"]
    for row in processes.values():
        assert alive(row["pid"])
        assert row["state"] == "running"
    assert up.env()["SLUICE_URL"].endswith(f":{processes['gateway']['port']}")


def test_a_second_up_on_the_folder_names_the_first_and_gives_up(up: Up) -> None:
    second = subprocess.run([*sluice("up"), "--data-dir", str(up.folder)], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"pid {up.pid}" in second.stdout
    assert (up.folder / "env").exists()


@pytest.mark.parametrize("role", ["gateway", "writer", "redis", "postgres", "clickhouse"])
def test_a_killed_process_comes_back_at_its_address_and_nothing_is_lost(up: Up, role: str) -> None:
    before, env = up.processes()[role], up.env()
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: up.processes()[role]["restarts"] > before["restarts"])
    wait_until(lambda: up.processes()[role]["state"] == "running")
    after = up.processes()[role]
    assert after["pid"] != before["pid"]
    assert after["port"] == before["port"]
    wait_until(lambda: ingest(env, f"after {role}") == 200)
    wait_until(lambda: stored(env, f"after {role}") >= 1)


def test_stopped_it_leaves_no_process_and_no_env_and_started_again_it_has_the_same_keys(tmp_path: Path) -> None:
    up = Up(tmp_path / "var").start()
    env, pids = up.env(), [row["pid"] for row in up.processes().values()]
    assert ingest(env, "kept") == 200
    up.stop()
    assert not any(alive(pid) for pid in pids)
    assert not (up.folder / "env").exists()
    assert up.processes() == {}
    assert "Stopping" in up.log.read_text()
    with up:
        assert up.env() == env
        wait_until(lambda: stored(env, "kept") == 1)


def test_killed_it_takes_everything_along_and_starts_again(tmp_path: Path) -> None:
    up = Up(tmp_path / "var").start()
    env, pids = up.env(), [row["pid"] for row in up.processes().values()]
    assert ingest(env, "kept") == 200
    up.kill()
    wait_until(lambda: not any(alive(pid) for pid in pids))
    assert up.processes() == {}
    (up.folder / "env").unlink()  # left behind; removed here so that `answers` waits for the new one
    with up:
        assert up.env() == env
        wait_until(lambda: stored(env, "kept") == 1)


def test_a_named_server_is_used_and_none_of_that_kind_started(
    tmp_path: Path, postgres_database: str, redis_url: str
) -> None:
    given = {"SLUICE_POSTGRES_URL": postgres_database, "SLUICE_REDIS_URL": redis_url}
    with Up(tmp_path / "var", environment=given) as up:
        assert sorted(up.processes()) == ["clickhouse", "gateway", "overflow-writer", "writer"]
        assert up.env()["SLUICE_POSTGRES_URL"] == postgres_database
        assert ingest(up.env(), "hello") == 200
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("SELECT count(*) FROM projects").fetchone() == (1,)


def test_addresses_of_our_own_that_were_sourced_from_env_are_not_taken_for_servers_of_others(tmp_path: Path) -> None:
    up = Up(tmp_path / "var").start()
    sourced = up.env()
    up.stop()
    with Up(tmp_path / "var", environment=sourced) as again:
        assert "clickhouse" in again.processes()
        assert "postgres" in again.processes()


def test_several_gateways_share_the_port(tmp_path: Path) -> None:
    with Up(tmp_path / "var", "--gateways", "2", "--writers", "2") as up:
        command = [*sluice("status"), "--data-dir", str(up.folder), "--json"]
        rows = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["processes"]
        ports = [row["port"] for row in rows if row["role"] == "gateway"]
        assert len(ports) == 2
        assert ports[0] == ports[1]
        assert len([row for row in rows if row["role"] == "writer"]) == 2
        assert ingest(up.env(), "hello") == 200


def test_with_kafka_the_queue_is_kafka(tmp_path: Path, kafka_url: str) -> None:
    # `kafka_url` only says that Kafka can run here; the stack starts its own.
    with Up(tmp_path / "var", "--kafka") as up:
        assert up.env()["SLUICE_QUEUE_URL"].startswith("kafka://127.0.0.1:")
        assert up.env()["SLUICE_QUEUE_URL"] != kafka_url
        assert ingest(up.env(), "hello") == 200
        wait_until(lambda: stored(up.env(), "hello") == 1)
        assert Kafka.role in up.processes()


def test_a_start_that_fails_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "var" / "postgres").mkdir(parents=True)
    (tmp_path / "var" / "postgres" / "data").write_text("not a folder")
    up = Up(tmp_path / "var")
    with pytest.raises(DidNotStart):
        up.start()
    assert not DataFolder(tmp_path / "var").is_owned()
