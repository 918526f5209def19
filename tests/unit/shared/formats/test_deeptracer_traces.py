"""Spans of DeepTracer fill the columns of spans that they have (contracts.md, "DeepTracer API")."""

import json
from typing import Any

import pytest

from shared.envelope import Stamp
from shared.formats import deeptracer_traces
from shared.formats.base import Rows
from shared.formats.deeptracer_traces import columns
from shared.formats.values import WHOLE_MAX
from tests.validating import Door

SPAN = {"trace_id": "t", "span_id": "s", "operation": "o", "start_time": "2026-02-23T00:00:00Z"}


@pytest.mark.parametrize(
    ("duration_ms", "microseconds"), [(145, 145_000), (0.29, 290), (0.0009, 0), (2.5, 2500), (1e300, WHOLE_MAX * 1000)]
)
def test_durations_have_microseconds(duration_ms: Any, microseconds: int) -> None:
    door = Door(deeptracer_traces)
    part = door.validate(json.dumps(SPAN | {"duration_ms": duration_ms}).encode())
    rows = Rows()
    stamp = Stamp(v=1, format=door.format.name, project_id="p", received_at=0, retention_days=30, n=1)
    rows.add(stamp, door.format.codec.read(part.payload))
    assert columns(rows)["duration_us"] == [microseconds]
