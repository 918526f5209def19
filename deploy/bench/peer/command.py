"""`make bench-peer`."""

import logging
import signal
import sys
import tempfile
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from deploy.bench.effort import Effort
from deploy.bench.engines import Engines, engines, missing
from deploy.bench.jobs import JobFailed
from deploy.bench.peer import build, gateways, report, writers
from deploy.bench.peer.collector import Collector
from deploy.bench.peer.sides import Side
from deploy.bench.peer.sluice import HERE, sluice
from deploy.bench.process import NotLinux, require_proc
from deploy.bench.steps import showing
from deploy.local.child import DidNotStart
from deploy.local.engine import Unavailable

US, OTHER = "Sluice", "other"


class Only(StrEnum):
    """Which half is measured."""

    GATEWAY = "gateway"
    WRITER = "writer"


def peer(
    rounds: Annotated[int, typer.Option(min=1, help="Times that each side is measured, in turn")] = 3,
    seconds: Annotated[float, typer.Option(min=0.2, help="Seconds of one measurement, about")] = 5.0,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Connections that send to a gateway")] = 256,
    only: Annotated[Only | None, typer.Option(help="Measure this half alone")] = None,
    against: Annotated[
        Path | None, typer.Option(help="Measure another checkout of Sluice in turn, too", metavar="FOLDER")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Also write everything as JSON to this file", metavar="FILE")
    ] = None,
) -> None:
    """Measure Sluice beside the OpenTelemetry Collector, on Kafka and ClickHouse of this run alone.

    Takes about six minutes, and the first time the Collector is built: as long again. TMPDIR chooses the disk.
    """
    effort = Effort(seconds, rounds, connections)
    console, errors = Console(), Console(stderr=True, soft_wrap=True, highlight=False)
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # it warns of tries that it repeats by itself
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that engines and folder go
    try:
        _require(against)
        _build(errors)
        measured = _measure(effort, only, against, errors)
    except (DidNotStart, JobFailed, NotLinux, Unavailable) as error:
        errors.print(f"[red]not measured:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    for table in report.tables(*measured, US, effort):
        console.print(table)
    if json is not None:
        json.write_bytes(report.as_json(*measured, US, effort))


def _require(against: Path | None) -> None:
    """Raise `Unavailable` where something is missing, before anything takes long."""
    require_proc()
    if why := missing("kafka"):
        raise Unavailable(why)
    build.version()
    if against is not None and not (against / "shared" / "cli.py").exists():
        raise Unavailable(f"{against} is no checkout of Sluice: it has no shared/cli.py")


def _build(errors: Console) -> None:
    if build.binary().exists():
        return
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder, showing(errors, "Collector", 1) as step:
        step(f"building {build.version()} with Go: some six minutes, once on this machine")
        build.build(Path(folder) / "build.log")


def _measure(
    effort: Effort, only: Only | None, against: Path | None, errors: Console
) -> tuple[gateways.Gateways, writers.Writers]:
    count = 3 if against else 2
    total = 2 + gateways.steps(count, effort.rounds) + writers.steps(count, effort.rounds)
    with ExitStack() as stack:
        step = stack.enter_context(showing(errors, "bench-peer", total))
        step("the engines start")
        running = stack.enter_context(engines("kafka"))
        step("tables and topics")
        sides = _sides(running, against, stack)
        return (
            {} if only is Only.WRITER else gateways.measure_gateways(sides, effort, step),
            {} if only is Only.GATEWAY else writers.measure_writers(running, sides, effort, step),
        )


def _sides(running: Engines, against: Path | None, stack: ExitStack) -> list[Side]:
    collector = Collector(running)
    collector.prepare()
    sides: list[Side] = [stack.enter_context(sluice(running, US, HERE)), collector]
    if against is not None:
        sides.append(stack.enter_context(sluice(running, OTHER, against.resolve())))
    return sides
