"""`sluice bench otlp`: what it sends is what gateway and writer take, and its table (performance.md, "Goals")."""

import time
from typing import Any

import msgspec
import pytest
from rich.console import Console

from deploy.bench.effort import Effort
from deploy.bench.load import Outcome
from deploy.bench.otlp.alone import DIFFERENT, AloneRound, Measured
from deploy.bench.otlp.bodies import CASES, PLAIN
from deploy.bench.otlp.command import _caption
from deploy.bench.otlp.figures import CHECKING, REQUESTS, ROWS, Results, figures
from deploy.bench.report import table_of
from shared.registry import load
from tests.blocks import values_of

REGISTRY = load()
STARTS_AT_S = time.time()


@pytest.mark.parametrize("name", CASES)
def test_every_request_is_taken_whole_and_becomes_rows(name: str) -> None:
    measured = Measured(CASES[name], REGISTRY, STARTS_AT_S)  # it makes all rows
    assert len(set(measured._bodies)) == DIFFERENT
    measured.checking()


@pytest.mark.parametrize("signal", ["logs", "spans"])
def test_both_encodings_say_the_same(signal: str) -> None:
    in_protobuf, in_json = (rows_of(f"{signal}, {encoding}") for encoding in ("protobuf", "JSON"))
    assert in_protobuf["operation" if signal == "spans" else "message"]
    for column in set(in_protobuf) - {"format", "received_at"}:
        assert in_protobuf[column] == in_json[column], column
    plain = rows_of(PLAIN)
    for column in ("timestamp", "trace_id", "span_id", "service", "release"):
        assert in_protobuf[column] == plain[column], column
    decode = msgspec.json.decode
    assert list(map(decode, in_protobuf["attributes"])) == list(map(decode, plain["attributes"]))


def rows_of(name: str) -> dict[str, list[Any]]:
    return values_of(Measured(CASES[name], REGISTRY, STARTS_AT_S).rows())


def test_ratios_are_to_the_same_logs_in_deeptracers_json() -> None:
    us = {name: 100.0 if name == PLAIN else 500.0 for name in CASES}
    outcome = Outcome(seconds=1.0, requests=100, cpu_s=1.0, sent=100, statuses={"200": 100})
    dearer = msgspec.structs.replace(outcome, cpu_s=1.25)
    requests = {name: outcome if name == PLAIN else dearer for name in CASES}
    results = Results([AloneRound(us, us)], [requests])
    made = list(figures(results))
    assert {each.group for each in made} == {REQUESTS, CHECKING, ROWS}
    assert {(each.group, each.ratio and each.ratio.median, each.met) for each in made} == {
        (REQUESTS, 0.8, True),
        (CHECKING, 0.2, None),
        (ROWS, 0.2, False),
    }
    assert {each.value for each in made if each.group == ROWS} == {200_000}
    with (console := Console(width=80)).capture() as shown:
        console.print(table_of({"100 records a request": made}, _caption(Effort(3.0, 3, 64)), other="JSON"))
    assert "…" not in shown.get()
