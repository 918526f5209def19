"""`sluice bench reading`."""

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
from deploy.bench.process import NotLinux, require_proc
from deploy.bench.reading.data.week import LOGS
from deploy.bench.reading.ingest import measure_ingest, steps
from deploy.bench.reading.report import Results, as_json, tables
from deploy.bench.reading.stage import STEPS, stage
from deploy.bench.reading.waits import measure_waits
from deploy.bench.steps import showing
from deploy.local.child import DidNotStart
from deploy.local.engine import Unavailable


def reading(
    rows: Annotated[int, typer.Option(min=2000, help="Logs in the tables; the other rows follow from it")] = LOGS,
    times: Annotated[int, typer.Option(min=1, help="Times that each question is asked")] = 40,
    rounds: Annotated[int, typer.Option(min=0, help="Times that ingest is measured beside readers")] = 3,
    seconds: Annotated[float, typer.Option(min=0.2, help="Seconds of ingest in one of them")] = 10.0,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Connections that send to the gateway")] = 64,
    json: Annotated[
        Path | None, typer.Option(help="Also write everything as JSON to this file", metavar="FILE")
    ] = None,
) -> None:
    """Measure what readers wait for, and what they cost ingest, on engines of this run alone.

    Takes about fifteen minutes and 6 GB on disk, most of it to make the rows. TMPDIR chooses the disk.
    """
    effort = Effort(seconds, rounds, connections)
    console, errors = Console(), Console(stderr=True, soft_wrap=True, highlight=False)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that engines and folder go
    try:
        require_proc()
        if why := missing("sqlite"):
            raise Unavailable(why)
        results = _measure(rows, times, effort, errors)
    except (DidNotStart, JobFailed, NotLinux, Unavailable) as error:
        errors.print(f"[red]not measured:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    for table in tables(results):
        console.print(table)
    if json is not None:
        json.write_bytes(as_json(results, effort))


def _measure(logs: int, times: int, effort: Effort, errors: Console) -> Results:
    with showing(errors, "reading", 1 + STEPS + 2 + times + steps(effort.rounds)) as step:
        step("the engines start")
        with engines("sqlite") as running, stage(running, logs, step) as made:
            waits = measure_waits(made, times, step)
            return Results(made.week, waits, measure_ingest(made, effort, step) if effort.rounds else {})
