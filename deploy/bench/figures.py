"""What was measured, as figures with their limit, their ratio and their goal. Pure."""

from collections.abc import Iterable, Iterator
from statistics import median

import msgspec

from deploy.bench.freshness import Freshness
from deploy.bench.gateway_bench import GatewayRun
from deploy.bench.writer_bench import WriterRound

_MB = 1_000_000


class Goal(msgspec.Struct, frozen=True):
    """What is compared, and with what (performance.md, "Goals")."""

    of: str
    """`value` or `ratio`."""
    at_least: float | None = None
    at_most: float | None = None

    def met(self, figure: float) -> bool:
        return (self.at_least is None or figure >= self.at_least) and (self.at_most is None or figure <= self.at_most)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `limit` is the same figure of what can't be beaten, `ratio` the median of the rounds'."""

    group: str
    name: str
    value: float
    limit: float | None = None
    ratio: float | None = None
    goal: Goal | None = None
    met: bool | None = None


GOALS: dict[tuple[str, str], Goal] = {
    ("gateway, 100 logs", "requests / CPU-second"): Goal("ratio", at_least=0.30),
    ("gateway, 1 log", "requests / CPU-second"): Goal("ratio", at_least=0.60),
    ("writer", "rows / second"): Goal("ratio", at_least=0.60),
    ("writer", "rows / CPU-second"): Goal("value", at_least=120_000),
    ("both", "CPU-seconds / million logs"): Goal("value", at_most=12),
    ("both", "peak memory of gateway, MB"): Goal("value", at_most=350),
    ("both", "peak memory of writer, MB"): Goal("value", at_most=350),
    ("both", "bytes in / bytes on disk"): Goal("value", at_least=10),
    ("freshness", "p50, seconds"): Goal("value", at_most=1.2),
    ("freshness", "p99, seconds"): Goal("value", at_most=2.5),
}
"""What is judged (performance.md, "Goals"); the factor on disk is what the Proliferate API promises
(storage.md, "Codecs")."""


class Results(msgspec.Struct, frozen=True):
    """Everything measured on one queue."""

    gateway: GatewayRun
    writer: list[WriterRound]
    freshness: Freshness


def logs_per_second_at_half_load(gateway: GatewayRun, writer: list[WriterRound]) -> float:
    """Half of what the slower of the two sides did alone."""
    accepted = median(each.gateway.rate * 100 for each in gateway.rounds[100])
    written = median(each.writer.rate for each in writer)
    return min(accepted, written) / 2


def figures(results: Results) -> list[Figure]:
    """All lines of the table, in order."""
    return [_judged(figure) for figure in (*_gateway(results), *_writer(results), *_both(results), *_fresh(results))]


def _judged(figure: Figure) -> Figure:
    goal = GOALS.get((figure.group, figure.name))
    if goal is None:
        return figure
    measured = figure.ratio if goal.of == "ratio" else figure.value
    assert measured is not None
    return msgspec.structs.replace(figure, goal=goal, met=goal.met(measured))


def _gateway(results: Results) -> Iterator[Figure]:
    for logs, rounds in results.gateway.rounds.items():
        group = f"gateway, {logs} log{'s' * (logs > 1)}"
        cost = [(each.gateway.per_cpu_second, each.bare.per_cpu_second) for each in rounds]
        wall = [(each.gateway.rate, each.bare.rate) for each in rounds]
        yield _compared(group, "requests / CPU-second", cost)
        yield _compared(group, "requests / second", wall)
        if logs > 1:
            yield _compared(group, "logs / CPU-second", _times(logs, cost))
            yield _compared(group, "logs / second", _times(logs, wall))


def _writer(results: Results) -> Iterator[Figure]:
    rounds = results.writer
    yield _compared("writer", "rows / second", [(r.writer.rate, r.limit.rate) for r in rounds])
    yield _compared("writer", "  limit in full batches", [(r.writer.rate, r.full_limit.rate) for r in rounds])
    cost = [(r.writer.rows / r.writer.cpu_s, r.limit.rows / r.limit.cpu_s) for r in rounds]
    yield _compared("writer", "rows / CPU-second", cost)
    yield Figure(
        group="writer",
        name="rows a batch (limit: full)",
        value=median(r.writer.rows / r.writer.batches for r in rounds),
        limit=median(r.full_limit.rows / r.full_limit.batches for r in rounds),
    )


def _both(results: Results) -> Iterator[Figure]:
    accept_s = median(1 / (each.gateway.per_cpu_second * 100) for each in results.gateway.rounds[100])
    write_s = median(r.writer.cpu_s / r.writer.rows for r in results.writer)
    gateway_peak = max(results.gateway.peak_bytes, results.freshness.gateway_peak_bytes)
    writer_peak = max(results.freshness.writer_peak_bytes, *(r.writer.peak_bytes for r in results.writer))
    squeezed = median(r.writer.body_bytes / r.writer.disk_bytes for r in results.writer)
    yield Figure(group="both", name="CPU-seconds / million logs", value=(accept_s + write_s) * 1e6)
    yield Figure(group="both", name="peak memory of gateway, MB", value=gateway_peak / _MB)
    yield Figure(group="both", name="peak memory of writer, MB", value=writer_peak / _MB)
    yield Figure(group="both", name="bytes in / bytes on disk", value=squeezed)


def _fresh(results: Results) -> Iterator[Figure]:
    fresh = results.freshness
    yield Figure(group="freshness", name="load, logs / second", value=fresh.logs_per_second)
    yield Figure(group="freshness", name="p50, seconds", value=fresh.p50_s)
    yield Figure(group="freshness", name="p99, seconds", value=fresh.p99_s)


def _compared(group: str, name: str, pairs: list[tuple[float, float]]) -> Figure:
    return Figure(
        group=group,
        name=name,
        value=median(ours for ours, _ in pairs),
        limit=median(limit for _, limit in pairs),
        ratio=median(ours / limit for ours, limit in pairs),
    )


def _times(factor: float, pairs: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(factor * ours, factor * limit) for ours, limit in pairs]
