"""The figures for people (one table) and for programs (JSON)."""

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import msgspec
from rich import box
from rich.table import Table

from deploy.bench.effort import Effort
from deploy.bench.figures import Figure, Results, figures


def table(results: Mapping[str, Results], effort: Effort) -> Table:
    """One table, 80 characters wide: a section a queue, and in it a heading for each thing measured. The ratios to the
    limit come first."""
    return table_of({queue: figures(measured) for queue, measured in results.items()}, _caption(effort))


def table_of(sections: Mapping[str, Iterable[Figure]], caption: str, other: str = "limit") -> Table:
    """A table of figures. `other`: what they are compared with, in a word."""
    made = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left", padding=0)
    made.add_column("", no_wrap=True)
    for name in ("min", "median", "max", "goal", "met", "Sluice", other):
        made.add_column(name, justify="right", no_wrap=True)
    for section, found in sections.items():
        group = ""
        made.add_section()
        made.add_row(f"[bold]{section}[/]")
        for figure in found:
            if figure.group != group:
                group = figure.group
                made.add_row(f"[bold]{group}[/]")
            made.add_row(*_cells(figure))
    return made


def as_json(results: Mapping[str, Results], effort: Effort, skipped: Mapping[str, str]) -> bytes:
    """Machine, effort, and by queue the figures and every round they were made of."""
    queues = {queue: {"figures": figures(measured), "rounds": measured} for queue, measured in results.items()}
    return json_of(effort, {"queues": queues, "skipped": dict(skipped)})


def json_of(effort: Effort, measured: Mapping[str, Any]) -> bytes:
    """Machine, effort, and what was measured."""
    report = {"machine": machine(), "effort": asdict(effort), **measured}
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()}


def number(value: float) -> str:
    """Three digits that count, thousands apart: 12,300, 45.6, 0.789."""
    if value < 100:
        return f"{value:.3g}"
    return f"{round(value, min(0, 3 - len(str(int(value))))):,.0f}"


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        f"  {figure.name}",
        *(figure.ratio.cells() if figure.ratio else ("", "", "")),
        "" if figure.goal is None else f"≥ {number(figure.goal)}",
        {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[figure.met],
        "" if figure.value is None else number(figure.value),
        "" if figure.limit is None else number(figure.limit),
    )


def _caption(effort: Effort) -> str:
    return (
        f"Ratios to the limit in {effort.rounds} rounds of {effort.seconds:g} s, {effort.connections} connections,"
        " then the medians of both. The limits were measured in turn: a bare Starlette handler that reads the body;"
        " a plain pass of `re` over ordinary stacks; prebuilt columns through clickhouse-driver into the same table."
        " Only ratios of one run mean anything."
    )
