"""`sluice bench reading` with few rows, on the tests' own engines."""

import json
import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.bench.command import bench
from deploy.bench.engines import Engines
from deploy.bench.reading import command
from deploy.bench.reading.ingest import EVERY_S
from deploy.bench.reading.questions import questions
from deploy.bench.reading.shown import chromium
from deploy.bench.reading.waits import SHOWN

TINY = ["--rows", "4000", "--times", "1", "--rounds", "1", "--seconds", "0.2", "--connections", "4"]


def test_every_question_is_answered_alone_and_beside_ingest(
    tmp_path: Path,
    clickhouse_database_url: str,
    postgres_database: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = {
        "SLUICE_CLICKHOUSE_URL": clickhouse_database_url,
        "SLUICE_POSTGRES_URL": postgres_database,
        "SLUICE_REDIS_URL": redis_url,
    }
    running = Engines(tmp_path, addresses, clickhouse_pid=os.getpid())  # the server may be on another machine
    monkeypatch.setattr(command, "engines", lambda kind: nullcontext(running))
    ran = CliRunner().invoke(bench, ["reading", *TINY, "--json", str(tmp_path / "figures.json")])
    assert ran.exit_code == 0, ran.output
    assert "4,000 rows of logs" in ran.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    asked = [(group, question.name) for group, question in questions()]
    shown = [(SHOWN, question.name) for _, question in questions() if question.is_page] if chromium() else []
    assert [(line["group"], line["name"]) for line in figures["waits"]] == asked + shown
    assert all(line["median_ms"] > 0 for line in figures["waits"])
    assert [each["how"] for each in figures["ingest"]] == list(EVERY_S)
    assert all(each["read"] > 0 for each in figures["ingest"])
