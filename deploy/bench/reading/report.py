"""The figures for people (two tables) and for programs (JSON)."""

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

import msgspec
from rich import box
from rich.table import Table

from deploy.bench.effort import Effort
from deploy.bench.freshness import percentile
from deploy.bench.ratios import Ratio, ratio
from deploy.bench.reading.data.week import Week
from deploy.bench.reading.ingest import READERS, Beside
from deploy.bench.reading.waits import Waited
from deploy.bench.report import machine, number

INGEST_GOAL = 0.90
"""The least that ingest should keep of its rate while `READERS` ask a question a second each."""

_MET = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}


class Results(msgspec.Struct, frozen=True):
    """Everything measured. `ingest`: how the readers asked -> rounds; none where it was not measured."""

    week: Week
    waits: list[Waited]
    ingest: dict[str, list[Beside]]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One question: milliseconds, and CPU milliseconds of gateway and server together."""

    group: str
    name: str
    median_ms: float
    p95_ms: float
    cpu_ms: float | None
    goal_ms: float | None

    @property
    def met(self) -> bool | None:
        return None if self.goal_ms is None else self.p95_ms <= self.goal_ms


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest kept of its rate beside readers, and how long these waited."""

    how: str
    ratio: Ratio
    goal: float | None
    alone: float
    read: float
    median_ms: float
    p95_ms: float

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.ratio.median >= self.goal


def lines(waits: list[Waited]) -> list[Line]:
    return [
        Line(
            group=each.group,
            name=each.name,
            median_ms=median(each.ms),
            p95_ms=percentile(each.ms, 0.95),
            cpu_ms=None if each.cpu_s is None else 1000 * each.cpu_s / len(each.ms),
            goal_ms=each.goal_ms,
        )
        for each in waits
    ]


def kept(ingest: Mapping[str, list[Beside]]) -> list[Kept]:
    return [_kept(how, rounds, INGEST_GOAL if n == 0 else None) for n, (how, rounds) in enumerate(ingest.items())]


def _kept(how: str, rounds: list[Beside], goal: float | None) -> Kept:
    waited = [ms for each in rounds for ms in each.waited_ms]
    return Kept(
        how=how,
        ratio=ratio((each.read, each.alone) for each in rounds),
        goal=goal,
        alone=median(each.alone for each in rounds),
        read=median(each.read for each in rounds),
        median_ms=median(waited),
        p95_ms=percentile(waited, 0.95),
    )


def tables(results: Results) -> Iterator[Table]:
    """80 characters wide: what readers wait for, and what they cost ingest."""
    yield _waits(lines(results.waits), results.week)
    if results.ingest:
        yield _ingest(kept(results.ingest))


def _waits(found: list[Line], week: Week) -> Table:
    made = _table(
        ("median", "p95", "goal", "met", "CPU"),
        f"Milliseconds of whole answers over HTTP, by {week.logs:,} logs in a week; the project asked about has half"
        " of them. CPU: of gateway and server together, on average.",
    )
    group = ""
    for line in found:
        if line.group != group:
            group = line.group
            made.add_row(f"[bold]{group}[/]")
        goal = "" if line.goal_ms is None else f"≤ {number(line.goal_ms)}"
        cpu = "" if line.cpu_ms is None else number(line.cpu_ms)
        shown = (number(line.median_ms), number(line.p95_ms), goal, _MET[line.met], cpu)
        made.add_row(f"  {line.name}", *shown)
    return made


def _ingest(found: list[Kept]) -> Table:
    made = _table(
        ("min", "median", "max", "goal", "met", "alone", "read", "waited", "p95"),
        f"Logs a second, accepted and stored, beside {READERS} readers to those alone; then the medians of both, and"
        " what the readers waited, milliseconds.",
    )
    for each in found:
        goal = "" if each.goal is None else f"≥ {number(each.goal)}"
        shown = map(number, (each.alone, each.read, each.median_ms, each.p95_ms))
        made.add_row(each.how, *each.ratio.cells(), goal, _MET[each.met], *shown)
    return made


def _table(names: tuple[str, ...], caption: str) -> Table:
    made = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left", padding=0)
    made.add_column("", no_wrap=True)
    for name in names:
        made.add_column(name, justify="right", no_wrap=True)
    return made


def as_json(results: Results, effort: Effort) -> bytes:
    """Machine, effort, the figures, and all that they were made of."""
    report: dict[str, Any] = {
        "machine": machine(),
        "effort": effort,
        "figures": {
            "waits": [msgspec.structs.asdict(line) | {"met": line.met} for line in lines(results.waits)],
            "ingest": [msgspec.structs.asdict(each) | {"met": each.met} for each in kept(results.ingest)],
        },
        "measured": results,
    }
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
