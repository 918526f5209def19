"""`sluice bench`."""

import logging
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from deploy.bench.effort import Effort
from deploy.bench.engines import engines, missing
from deploy.bench.figures import Results, logs_per_second_at_half_load
from deploy.bench.fingerprint_bench import measure_fingerprints
from deploy.bench.freshness import measure_freshness
from deploy.bench.gateway_bench import CASES, measure_gateway
from deploy.bench.jobs import JobFailed
from deploy.bench.noisy import noisy
from deploy.bench.otlp.command import otlp
from deploy.bench.process import NotLinux, require_proc
from deploy.bench.reading.command import reading
from deploy.bench.report import as_json, table
from deploy.bench.steps import showing
from deploy.bench.writer_bench import measure_writer
from deploy.local.child import DidNotStart


class Queues(StrEnum):
    """Which queues to measure on."""

    SQLITE = "sqlite"
    KAFKA = "kafka"
    BOTH = "both"


bench = typer.Typer(help="Measure gateway, writer and reading, each against what it should do.")
bench.command("reading")(reading)
bench.command("otlp")(otlp)
bench.command("noisy")(noisy)


@bench.callback(invoke_without_command=True)
def _ingest(
    context: typer.Context,
    queue: Annotated[Queues, typer.Option(help="The queue to measure on")] = Queues.BOTH,
    seconds: Annotated[float, typer.Option(min=0.2, help="Seconds of one measurement")] = 5.0,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each is made, in turn with its limit")] = 3,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Connections that send to the gateway")] = 256,
    json: Annotated[
        Path | None, typer.Option(help="Also write everything as JSON to this file", metavar="FILE")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One round of one second: does it work?")] = False,
) -> None:
    """Measure gateway and writer against their limits, on engines of this run alone, and print one table.

    Takes about four minutes a queue. TMPDIR chooses the disk.
    """
    if context.invoked_subcommand is not None:
        return
    effort = Effort(1.0, 1, connections) if quick else Effort(seconds, rounds, connections)
    console, errors = Console(), Console(stderr=True, soft_wrap=True, highlight=False)
    kinds = ("sqlite", "kafka") if queue is Queues.BOTH else (queue.value,)
    skipped = {kind: why for kind in kinds if (why := missing(kind))}
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # it warns of tries that it repeats by itself
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that engines and folder go
    try:
        require_proc()
        results = {kind: _measure(kind, effort, errors) for kind in kinds if kind not in skipped}
    except (DidNotStart, JobFailed, NotLinux) as error:
        errors.print(f"[red]not measured:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    if results:
        console.print(table(results, effort))
    for kind, why in skipped.items():
        errors.print(f"[yellow]not measured on {kind}:[/] {escape(why)}")
    if json is not None:
        json.write_bytes(as_json(results, effort, skipped))
    if not results:
        raise typer.Exit(1)


def _measure(kind: str, effort: Effort, errors: Console) -> Results:
    steps = 2 + len(CASES) * 2 * effort.rounds + 4 * effort.rounds + 1
    with showing(errors, kind, steps) as step:
        fingerprints = measure_fingerprints(effort, step)  # before there is anything beside them
        step("the engines start")
        with engines(kind) as running:
            gateway = measure_gateway(running, effort, step)
            writer = measure_writer(running, effort, step)
            return Results(
                fingerprints=fingerprints,
                gateway=gateway,
                writer=writer,
                freshness=measure_freshness(running, effort, logs_per_second_at_half_load(gateway, writer), step),
            )
