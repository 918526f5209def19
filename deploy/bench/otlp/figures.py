"""What was measured, as figures with their ratio to DeepTracer's JSON, and their goal. Pure."""

from collections.abc import Iterator
from statistics import median

import msgspec

from deploy.bench.figures import Figure
from deploy.bench.otlp.alone import RECORDS, AloneRound
from deploy.bench.otlp.bodies import CASES, PLAIN
from deploy.bench.otlp.requests import RequestsRound
from deploy.bench.ratios import Pairs, ratio

REQUESTS, CHECKING, ROWS = "gateway, requests / CPU-s", "gateway, checks / CPU-s, alone", "writer, rows / CPU-s, alone"

GOALS = {REQUESTS: 1 / 1.3, ROWS: 1 / 4}
"""The least that OTLP of any kind should do of what the same logs in DeepTracer's JSON do
(performance.md, "Goals")."""


class Results(msgspec.Struct, frozen=True):
    """Everything measured. No `requests`: without engines."""

    alone: list[AloneRound]
    requests: list[RequestsRound]


def figures(results: Results) -> Iterator[Figure]:
    """All lines of the table, in order."""
    for case in CASES:
        if case != PLAIN and results.requests:
            did = [(each[case].per_cpu_second, each[PLAIN].per_cpu_second) for each in results.requests]
            yield _compared(REQUESTS, case, did)
    for case in CASES:
        if case != PLAIN:
            yield _compared(CHECKING, case, [_done(each.checking, case, 1) for each in results.alone])
    for case in CASES:
        if case != PLAIN:
            yield _compared(ROWS, case, [_done(each.rows, case, RECORDS) for each in results.alone])


def _done(us: dict[str, float], case: str, times: int) -> tuple[float, float]:
    """How many a CPU-second, of this case and of DeepTracer's JSON."""
    return times * 1e6 / us[case], times * 1e6 / us[PLAIN]


def _compared(group: str, name: str, pairs: Pairs) -> Figure:
    return Figure(
        group=group,
        name=name,
        value=median(ours for ours, _ in pairs),
        limit=median(plain for _, plain in pairs),
        ratio=ratio(pairs),
        goal=GOALS.get(group),
    )
