"""A sixth, made-up signal: one file in `signals`, one in `formats`, and its route, topic, table and rows work
(architecture.md, "A new signal")."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import registry
from tests.integration.stack import RunningStack, running_stack, wait_until

SIGNAL = """
from shared.signals.base import Column, Signal, Table, low

SIGNAL = Signal(
    name="metrics",
    table=Table(
        name="metric_points",
        own_columns=(low("name", "What is measured."), Column("value", "Float64", "The measure.")),
    ),
)
"""

FORMAT = """
import msgspec

from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import JsonArray
from shared.formats.intake import Batch, BatchFrame, Intake, Outcome


class Frame(BatchFrame, gc=False, kw_only=True):
    points: msgspec.Raw


class Point(msgspec.Struct, gc=False, kw_only=True):
    name: str
    value: float


def columns(rows: Rows) -> Columns:
    return {
        "timestamp": rows.received_at,
        "name": [point.name for point in rows.records],
        "value": [point.value for point in rows.records],
    }


def reply(outcome: Outcome) -> tuple[int, bytes]:
    return 200, b'{"stored":%d}' % outcome.accepted


FORMAT = Format("acme.points", signal="metrics", columns=columns, codec=JsonArray(Point))

INTAKE = Intake(
    routes=("/acme/points",),
    api="deeptracer",
    bodies={FORMAT.name: Batch(Frame, "points", most=10)},
    reply=reply,
)
"""


@pytest.fixture(scope="module")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extensions")
    for kind, text in (("signals", SIGNAL), ("formats", FORMAT)):
        (folder / kind).mkdir()
        (folder / kind / "acme.py").write_text(text)
    return folder


@pytest.fixture(scope="module")
def stack(extensions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    environment = {"SLUICE_EXTENSIONS": str(extensions)}
    with running_stack(tmp_path_factory.mktemp("sixth") / "var", environment=environment) as running:
        yield running


def post(stack: RunningStack, points: object) -> tuple[int, object]:
    bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    return stack.request("POST", "/acme/points", json.dumps({"service": "mill", "points": points}).encode(), bearer)


def test_its_route_topic_table_and_rows_work(stack: RunningStack) -> None:
    assert post(stack, [{"name": "rpm", "value": 12.5}, {"name": "load", "value": 3}]) == (200, {"stored": 2})
    sql = "SELECT name, value, service, _topic FROM metric_points"
    rows = wait_until(lambda: stack.rows(f"{sql} ORDER BY _index"), 60, "rows of the made-up signal")
    assert [(row["name"], row["value"], row["service"], row["_topic"]) for row in rows] == [
        ("rpm", 12.5, "mill", "metrics"),
        ("load", 3.0, "mill", "metrics"),
    ]


def test_its_validation_and_its_key_follow_too(stack: RunningStack) -> None:
    assert post(stack, [{"name": "rpm", "value": "fast"}])[0] == 400
    assert post(stack, [{"name": "rpm", "value": 1}] * 11)[0] == 400
    assert stack.request("POST", "/acme/points", b"{}")[0] == 401


def test_a_format_without_its_signal_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "acme.py").write_text(FORMAT)
    with pytest.raises(registry.BadExtension, match=r"acme\.points"):
        registry.load(tmp_path)
