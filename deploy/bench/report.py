"""The figures for people (one table) and for programs (JSON)."""

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec
from rich.table import Table

from deploy.bench.effort import Effort
from deploy.bench.figures import Figure, Goal, Results, figures


def table(results: Mapping[str, Results], effort: Effort) -> Table:
    """One table, a section a queue and group."""
    made = Table(title="Sluice and its limits", caption=_caption(effort), caption_justify="left")
    made.add_column("queue")
    made.add_column("what")
    made.add_column("figure")
    for name in ("Sluice", "limit", "ratio", "goal"):
        made.add_column(name, justify="right")
    made.add_column("met")
    for queue, measured in results.items():
        before = ""
        for figure in figures(measured):
            if figure.group != before:
                made.add_section()
            made.add_row(queue, figure.group if figure.group != before else "", *_cells(figure))
            before = figure.group
    return made


def as_json(results: Mapping[str, Results], effort: Effort, skipped: Mapping[str, str]) -> bytes:
    """Machine, effort, and by queue the figures and every round they were made of."""
    told: dict[str, Any] = {
        "machine": {
            "cpus": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "effort": asdict(effort),
        "queues": {queue: {"figures": figures(measured), "rounds": measured} for queue, measured in results.items()},
        "skipped": dict(skipped),
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def number(value: float) -> str:
    """Three digits that count, thousands apart: 12,300, 45.6, 0.789."""
    if value >= 100:
        return f"{round(value, 3 - len(str(int(value)))):,.0f}" if value >= 1000 else f"{value:.0f}"
    return f"{value:.3g}"


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{number(figure.value)} {figure.unit}".strip(),
        "" if figure.limit is None else number(figure.limit),
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        _goal(figure.goal),
        {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[figure.met],
    )


def _goal(goal: Goal | None) -> str:
    if goal is None:
        return ""
    sign, bound = ("≥", goal.at_least) if goal.at_least is not None else ("≤", goal.at_most)
    assert bound is not None
    return f"{sign} {number(bound)}{' of the limit' if goal.of == 'ratio' else ''}"


def _caption(effort: Effort) -> str:
    return (
        f"Medians of {effort.rounds} rounds of {effort.seconds:g} s, {effort.connections} connections. The limits were"
        " measured in turn: a bare Starlette handler that reads the body; prebuilt columns through clickhouse-driver"
        " into the same table. Machines are noisy: compare ratios, not rates of two runs."
    )
