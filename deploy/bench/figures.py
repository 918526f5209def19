"""What was measured, as figures with their limit, their ratio and their goal. Pure."""

from collections.abc import Iterator
from statistics import median

import msgspec

from deploy.bench import insert_limit, load
from deploy.bench.fingerprint_bench import FingerprintRound
from deploy.bench.freshness import Freshness
from deploy.bench.gateway_bench import VARIED, GatewayRun
from deploy.bench.ratios import Pairs, Ratio, ratio
from deploy.bench.writer_bench import WriterRound, Written

_MB = 1_000_000


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table: medians of the rounds, and their ratios. `limit` is the same figure of what can't be
    beaten. What has no ratio is only shown."""

    group: str
    name: str
    value: float | None = None
    limit: float | None = None
    ratio: Ratio | None = None
    goal: float | None = None
    """The least that the median of the ratios should be."""

    @property
    def met(self) -> bool | None:
        if self.goal is None or self.ratio is None:
            return None
        return self.ratio.median >= self.goal


GOALS: dict[tuple[str, str], float] = {
    ("gateway, 100 logs, same", "requests / CPU-s"): 0.30,
    ("gateway, 1 log, varied", "requests / CPU-s"): 0.60,
    ("gateway, 1 log, same", "requests / CPU-s"): 0.60,
    ("gateway, 1 error, varied", "requests / CPU-s"): 0.45,
    ("gateway, 1 error, same", "requests / CPU-s"): 0.45,
    ("fingerprint, microseconds", "20 lines"): 0.33,
    ("fingerprint, microseconds", "256 kB, hostile"): 1.9,
    ("writer", "rows / second"): 0.60,
    ("both", "JSON in / on disk"): 10,
}
"""What is judged (performance.md, "Goals"): ratios alone, since a rate says as much about the machine. The factor on
disk is what the Proliferate API promises (storage.md, "Codecs"). Varied requests of 100 logs are shown alone: that goal
was set with one request again and again."""


class Results(msgspec.Struct, frozen=True):
    """Everything measured beside one queue."""

    fingerprints: list[FingerprintRound]
    gateway: GatewayRun
    writer: list[WriterRound]
    freshness: Freshness


def logs_per_second_at_half_load(gateway: GatewayRun, writer: list[WriterRound]) -> float:
    """Half of what the slower of the two sides did alone."""
    accepted = median(each.gateway.rate * VARIED.records for each in gateway.rounds[str(VARIED)])
    written = median(each.writer.rate for each in writer)
    return min(accepted, written) / 2


def figures(results: Results) -> list[Figure]:
    """All lines of the table, in order."""
    made = (
        *_gateway(results),
        *_fingerprints(results),
        *_writer(results),
        *_both(results),
        *_fresh(results),
    )
    return [msgspec.structs.replace(each, goal=GOALS.get((each.group, each.name))) for each in made]


def _gateway(results: Results) -> Iterator[Figure]:
    for case, rounds in results.gateway.rounds.items():
        group = f"gateway, {case}"
        cost = [(each.gateway.per_cpu_second, each.bare.per_cpu_second) for each in rounds]
        yield _compared(group, "requests / CPU-s", cost)
        yield _compared(group, "requests / second", [(each.gateway.rate, each.bare.rate) for each in rounds])


def _fingerprints(results: Results) -> Iterator[Figure]:
    rounds = results.fingerprints
    yield _dearer("20 lines", [each.ordinary for each in rounds])
    for language in rounds[0].stacks:
        yield _dearer(f"  {language}", [(each.plain[language], each.stacks[language]) for each in rounds])
    yield _dearer("256 kB, hostile", [each.worst for each in rounds])


def _dearer(name: str, pairs: Pairs) -> Figure:
    """Of costs, the plain pass and the fingerprint: the ratio says how much of it the plain pass would be."""
    return Figure(
        group="fingerprint, microseconds",
        name=name,
        value=median(ours for _, ours in pairs),
        limit=median(plain for plain, _ in pairs),
        ratio=ratio(pairs),
    )


def _writer(results: Results) -> Iterator[Figure]:
    rounds = results.writer
    yield _compared("writer", "rows / second", [(r.writer.rate, r.limit.rate) for r in rounds])
    yield _compared("writer", "  limit in full batches", [(r.writer.rate, r.full_limit.rate) for r in rounds])
    cost = [(r.writer.rows / r.writer.cpu_s, r.limit.rows / r.limit.cpu_s) for r in rounds]
    yield _compared("writer", "rows / CPU-s", cost)
    yield Figure(
        group="writer",
        name="rows a batch, full",
        value=median(r.writer.rows / r.writer.batches for r in rounds),
        limit=median(r.full_limit.rows / r.full_limit.batches for r in rounds),
    )


def _both(results: Results) -> Iterator[Figure]:
    accepted = results.gateway.rounds[str(VARIED)]
    gateway_peak = max(results.gateway.peak_bytes, results.freshness.gateway_peak_bytes)
    writer_peak = max(results.freshness.writer_peak_bytes, *(r.writer.peak_bytes for r in results.writer))
    cost = [
        (_cpu_s(a.gateway, w.writer), _cpu_s(a.bare, w.limit)) for a, w in zip(accepted, results.writer, strict=True)
    ]
    squeezed = ratio((r.writer.body_bytes, r.writer.disk_bytes) for r in results.writer)
    yield _compared("both", "CPU-s / million logs", cost)
    yield Figure(group="both", name="JSON in / on disk", ratio=squeezed)
    yield Figure(group="both", name="peak MB, gateway", value=gateway_peak / _MB)
    yield Figure(group="both", name="peak MB, writer", value=writer_peak / _MB)


def _cpu_s(accepted: load.Outcome, written: Written | insert_limit.Outcome) -> float:
    """CPU-seconds that a million logs cost."""
    return 1e6 * (1 / (accepted.per_cpu_second * VARIED.records) + written.cpu_s / written.rows)


def _fresh(results: Results) -> Iterator[Figure]:
    fresh = results.freshness
    yield Figure(group="freshness", name="load, logs / second", value=fresh.logs_per_second)
    yield Figure(group="freshness", name="p50, seconds", value=fresh.p50_s)
    yield Figure(group="freshness", name="p99, seconds", value=fresh.p99_s)


def _compared(group: str, name: str, pairs: Pairs) -> Figure:
    return Figure(
        group=group,
        name=name,
        value=median(ours for ours, _ in pairs),
        limit=median(limit for _, limit in pairs),
        ratio=ratio(pairs),
    )
