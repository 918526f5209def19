"""Alert rules and the board, on a real Prometheus that scrapes a real gateway, writer and audit
(operating.md, "What to alert on")."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.grafana.build import BOARD, board
from deploy.grafana.panels import ROWS
from deploy.local.engine import Unavailable
from deploy.local.ports import free_port
from tests.conftest import absent
from tests.integration.prometheus import RULES, Prometheus, prometheus, promtool, require_prometheus
from tests.integration.stack import RunningStack, running_stack, wait_until
from tests.services import PROMETHEUS

QUESTIONS = {
    f"{row}: {panel.title} {n}": line.expression.replace("$__rate_interval", "1m")
    for row, panels in ROWS.items()
    for panel in panels
    for n, line in enumerate(panel.lines, 1)
}


class Watched(NamedTuple):
    """`pages`: what serves /metrics -> its port."""

    stack: RunningStack
    pages: dict[str, int]
    prometheus: Prometheus


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    try:
        require_prometheus()
    except Unavailable as error:
        absent(PROMETHEUS, error)
    folder = tmp_path_factory.mktemp("watched")
    with running_stack(folder / "var") as stack:
        pages = {"sluice-gateway": stack.ports("gateway")[0], "sluice-writer": stack.ports("writer")[0]}
        pages["sluice-audit"] = free_port()
        take_in(stack)
        wait_until(lambda: stack.rows("SELECT 1 FROM logs"), 60, "the log stored")
        auditing = subprocess.Popen(
            [sys.executable, "-m", "shared.cli", "audit", "--every", "5", "--metrics-port", str(pages["sluice-audit"])],
            env={**os.environ, **stack.env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with prometheus(folder, pages) as running:
                yield Watched(stack, pages, running)
        finally:
            auditing.terminate()
            code = auditing.wait(60)
    assert code == 0


def take_in(stack: RunningStack) -> None:
    body = json.dumps({"logs": [{"level": "info", "message": "seen"}]}).encode()
    answer = stack.request("POST", "/ingest/logs", body, {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"})
    assert answer[0] == 200


def test_the_rules_are_right_and_fire_when_they_should(watched: Watched) -> None:
    code, said = promtool("check", "rules", str(RULES))
    assert (code, "SUCCESS" in said) == (0, True), said
    code, said = promtool("test", "rules", str(RULES.with_name("rules_test.yml")))
    assert (code, "SUCCESS" in said) == (0, True), said


@pytest.mark.parametrize("job", ["sluice-gateway", "sluice-writer", "sluice-audit"])
def test_what_is_served_is_as_prometheus_wants_it(watched: Watched, job: str) -> None:
    def page() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{watched.pages[job]}/metrics", timeout=10) as response:
            return str(response.read().decode())

    wait_until(lambda: watched.prometheus.ask(f'up{{job="{job}"}} == 1'), 60, f"{job} scraped")
    assert promtool("check", "metrics", text=page()) == (0, "")


def test_every_panel_has_data(watched: Watched) -> None:
    """Of one stack that has taken a request a moment ago, and one now: a rate needs both."""
    missing = dict(QUESTIONS)

    def answered() -> bool:
        take_in(watched.stack)
        for title, question in tuple(missing.items()):
            found = watched.prometheus.ask(question)
            if found and not any(map(isnan, found)):
                del missing[title]
        return not missing

    try:
        wait_until(answered, 60, "data in every panel", every_s=0.5)
    except AssertionError:
        pytest.fail(f"no data: {missing}")


def test_rules_are_healthy_and_a_healthy_stack_raises_no_alert(watched: Watched) -> None:
    wait_until(lambda: watched.prometheus.ask("sluice_audit_ok"), 60, "an audit")
    rules = watched.prometheus.rules()
    assert {name: rule["health"] for name, rule in rules.items() if rule["health"] == "err"} == {}
    assert len(rules) > 10
    assert [name for name, rule in rules.items() if rule.get("state") == "firing"] == []


def test_the_board_is_what_its_code_makes() -> None:
    assert Path(BOARD).read_text() == board(), "run: python -m deploy.grafana.build"
