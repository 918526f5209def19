"""`sluice bench otlp`."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from deploy.bench.effort import Effort
from deploy.bench.engines import engines, missing
from deploy.bench.jobs import JobFailed
from deploy.bench.otlp.alone import measure_alone
from deploy.bench.otlp.bodies import CASES
from deploy.bench.otlp.figures import Results, figures
from deploy.bench.otlp.requests import measure_requests
from deploy.bench.process import NotLinux, require_proc
from deploy.bench.report import json_of, table_of
from deploy.bench.steps import showing
from deploy.local.child import DidNotStart
from deploy.local.engine import Unavailable


def otlp(
    queue: Annotated[str, typer.Option(help="The queue behind the gateway: sqlite or kafka")] = "sqlite",
    alone: Annotated[bool, typer.Option("--alone", help="Only checking and rows, without engines")] = False,
    seconds: Annotated[float, typer.Option(min=0.2, help="Seconds of one measurement of the gateway")] = 3.0,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each is made, in turn")] = 3,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Connections that send to the gateway")] = 64,
    json: Annotated[
        Path | None, typer.Option(help="Also write everything as JSON to this file", metavar="FILE")
    ] = None,
) -> None:
    """Measure OTLP in both encodings beside the same logs in DeepTracer's JSON, on engines of this run alone.

    Takes about a minute and a half, with --alone ten seconds. TMPDIR chooses the disk.
    """
    effort = Effort(seconds, rounds, connections)
    console, errors = Console(), Console(stderr=True, soft_wrap=True, highlight=False)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that engines and folder go
    try:
        require_proc()
        if not alone and (why := missing(queue)):
            raise Unavailable(why)
        results = _measure(None if alone else queue, effort, errors)
    except (DidNotStart, JobFailed, NotLinux, Unavailable) as error:
        errors.print(f"[red]not measured:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    console.print(table_of({"100 records a request": figures(results)}, _caption(effort), other="JSON"))
    if json is not None:
        json.write_bytes(json_of(effort, {"figures": list(figures(results)), "rounds": results}))


def _measure(queue: str | None, effort: Effort, errors: Console) -> Results:
    with showing(errors, "otlp", 1 if queue is None else 2 + effort.rounds * len(CASES)) as step:
        alone = measure_alone(effort, step)  # before there is anything beside it
        if queue is None:
            return Results(alone, [])
        step("the engines start")
        with engines(queue) as running:
            return Results(alone, measure_requests(running, effort, step))


def _caption(effort: Effort) -> str:
    return (
        f"Ratios to the same logs in DeepTracer's JSON in {effort.rounds} rounds, then the medians of both. Spans"
        " have the logs' ids and attributes. Only ratios of one run mean anything."
    )
