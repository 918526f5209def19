"""docker-compose.yml as docker compose reads it: its own loader, a Go module. No container is run here."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shared import settings

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
PASSWORD = "for-this-test"


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that loads a compose file and prints what it means."""
    if shutil.which("go") is None:
        pytest.skip("no go, which builds docker compose's loader")
    program = tmp_path_factory.mktemp("compose") / "load"
    built = subprocess.run(
        ["go", "build", "-o", str(program), "."],
        cwd=ROOT / "tests/fixtures/compose",
        capture_output=True,
        text=True,
        timeout=280,
    )
    if built.returncode:
        pytest.skip(f"go can't build docker compose's loader: {built.stderr[-300:]}")
    return program


def load(loader: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return subprocess.run(
        [str(loader), str(FILE)], env={**kept, **environment}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture(scope="module")
def project(loader: Path) -> Any:
    done = load(loader, SLUICE_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_is_refused_without_a_password(loader: Path) -> None:
    done = load(loader)
    assert done.returncode == 1
    assert "SLUICE_PASSWORD is missing a value: choose one" in done.stderr


def test_every_service_that_stays_is_watched(project: Any) -> None:
    services = project["services"]
    assert sorted(services) == [
        *("clickhouse", "gateway", "kafka", "migrate", "overflow-writer", "postgres", "redis", "writer")
    ]
    assert [name for name, each in services.items() if "healthcheck" not in each] == ["migrate"]
    for name, each in services.items():
        for other, wanted in (each.get("depends_on") or {}).items():
            done = "service_completed_successfully" if other == "migrate" else "service_healthy"
            assert wanted["condition"] == done, (name, other)


def test_the_password_stands_in_no_command_line(project: Any) -> None:
    for name, each in project["services"].items():
        said = [each.get("command"), each.get("entrypoint"), each.get("healthcheck", {}).get("test")]
        assert PASSWORD not in json.dumps(said), name


def test_only_the_gateway_can_be_reached_and_only_from_this_machine(project: Any) -> None:
    open_ports = {name: each["ports"] for name, each in project["services"].items() if each.get("ports")}
    assert list(open_ports) == ["gateway"]
    assert [port["host_ip"] for port in open_ports["gateway"]] == ["127.0.0.1"]


@pytest.mark.parametrize("service", ["gateway", "writer", "overflow-writer", "migrate"])
def test_the_settings_are_those_of_the_program(project: Any, service: str) -> None:
    given = project["services"][service]["environment"]
    assert [name for name in given if name not in settings.variables()] == []
    loaded = settings.load(given)
    assert loaded.gateway.admin_port == loaded.writer.metrics_port == 9100
    assert loaded.gateway.admin_host == loaded.writer.metrics_host == "0.0.0.0"


def test_a_writer_has_the_time_that_it_needs_to_stop(project: Any) -> None:
    assert project["services"]["writer"]["stop_grace_period"] == "50s"
    assert project["services"]["overflow-writer"]["stop_grace_period"] == "50s"
    assert settings.load({}).writer.shutdown_s + 15 < 50
