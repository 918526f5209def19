"""Sluice beside the others: ratios first. Pure."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import msgspec
from rich import box
from rich.table import Table

from deploy.bench.effort import Effort
from deploy.bench.peer.collector import Collector
from deploy.bench.peer.gateways import Case, Gateways
from deploy.bench.peer.sides import LOGS_A_MESSAGE
from deploy.bench.peer.writers import Writers
from deploy.bench.ratios import Ratio, ratio
from deploy.bench.report import machine, number

_MB = 1_000_000

_GATEWAY, _WRITER = "gateway, requests / CPU-second", "writer, rows / CPU-second"

GOALS: dict[tuple[str, str], float] = {
    (_GATEWAY, "100 logs, same"): 1.8,
    (_GATEWAY, "100 logs, varied"): 1.8,
    (_GATEWAY, "1 log, same"): 0.7,
    (_GATEWAY, "1 log, varied"): 0.7,
    (_WRITER, "same"): 1.7,
    (_WRITER, "varied"): 1.3,
}
"""(group, name) -> the ratio to the Collector that is wanted at least (performance.md, "Goals"); 1 where none stands
here."""


class Line(msgspec.Struct, frozen=True):
    """One figure of all sides: name of the side -> one value a round."""

    group: str
    """What is measured, and in which unit."""
    name: str
    """What it is measured with."""
    values: dict[str, list[float]]
    less_is_better: bool = False

    def ratio(self, us: str, other: str) -> Ratio:
        return ratio(zip(self.values[us], self.values[other], strict=True))


def lines(gateways: Gateways, writers: Writers) -> list[Line]:
    """All figures, in order. One of the two may be empty: then what needs both is left out."""
    return [*_gateway_lines(gateways), *_writer_lines(writers), *_both(gateways, writers)]


def tables(gateways: Gateways, writers: Writers, us: str, effort: Effort) -> Iterator[Table]:
    """A table for each side that `us` is compared with, 80 characters wide."""
    made = lines(gateways, writers)
    for other in made[0].values:
        if other != us:
            yield _table(made, us, other, effort)


def as_json(gateways: Gateways, writers: Writers, us: str, effort: Effort) -> bytes:
    """Machine, effort, ratios, and every round they were made of."""
    report: dict[str, Any] = {
        "machine": machine(),
        "effort": msgspec.to_builtins(effort),
        "lines": [
            {
                "group": line.group,
                "name": line.name,
                "less_is_better": line.less_is_better,
                "ratios": {other: line.ratio(us, other) for other in line.values if other != us},
            }
            for line in lines(gateways, writers)
        ],
        "gateways": gateways,
        "writers": writers,
    }
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def _gateway_lines(gateways: Gateways) -> Iterator[Line]:
    for case, sides in gateways.items():
        values = {name: [each.per_cpu_second for each in rounds] for name, rounds in sides.items()}
        yield Line(_GATEWAY, case, values)


def _writer_lines(writers: Writers) -> Iterator[Line]:
    for data, sides in writers.items():
        values = {name: [each.rows / each.cpu_s for each in rounds] for name, rounds in sides.items()}
        yield Line(_WRITER, data, values)
    for data, sides in writers.items():
        values = {name: [each.peak_bytes / _MB for each in rounds] for name, rounds in sides.items()}
        yield Line("writer, peak memory in MB", data, values, less_is_better=True)


def _both(gateways: Gateways, writers: Writers) -> Iterator[Line]:
    for data, sides in writers.items():
        accepted = gateways.get(str(Case(LOGS_A_MESSAGE, data)))
        if accepted is None:
            continue
        values = {
            name: [
                1e6 * (1 / (accept.per_cpu_second * LOGS_A_MESSAGE) + write.cpu_s / write.rows)
                for accept, write in zip(accepted[name], rounds, strict=True)
            ]
            for name, rounds in sides.items()
        }
        yield Line("both, CPU-seconds / million logs", data, values, less_is_better=True)


def _table(made: Sequence[Line], us: str, other: str, effort: Effort) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=f"{us} / {other}", caption=_caption(effort), padding=0)
    table.title_justify = table.caption_justify = "left"
    table.add_column("", no_wrap=True)
    for name in ("min", "median", "max", us, other):
        table.add_column(name, justify="right", no_wrap=True)
    group = ""
    for line in made:
        if line.group != group:
            group = line.group
            table.add_row(f"[bold]{group}[/]{' ↓' * line.less_is_better}")
        table.add_row(*_cells(line, us, other), style="green" if _is_good(line, us, other) else "red")
    return table


def _cells(line: Line, us: str, other: str) -> tuple[str, ...]:
    medians = (number(median(line.values[name])) for name in (us, other))
    return (f"  {line.name}", *line.ratio(us, other).cells(), *medians)


def _is_good(line: Line, us: str, other: str) -> bool:
    """Whether the goal is reached; beside another checkout: whether nothing is lost."""
    middle = line.ratio(us, other).median
    if line.less_is_better:
        return middle < 1
    return middle >= (GOALS.get((line.group, line.name), 1.0) if other == Collector.name else 1.0)


def _caption(effort: Effort) -> str:
    return (
        f"Ratios of {effort.rounds} rounds in turn, then the medians; {effort.seconds:g} s each, {effort.connections}"
        " connections. ↓: less is better. Only ratios of one run mean anything."
    )
