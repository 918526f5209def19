"""How long a quiet project's logs take to be found while another one sends very much: without overflow topics, with
them and one writer for all, and with a writer of their own."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import sleep
from typing import Annotated, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.bench import load
from deploy.bench.engines import Engines, Phase, engines, missing
from deploy.bench.freshness import Markers, percentile
from deploy.bench.gateway_bench import VARIED, requests
from deploy.bench.jobs import JobFailed
from deploy.bench.process import NotLinux, require_proc
from deploy.bench.steps import showing
from deploy.local.child import DidNotStart
from deploy.local.engine import Unavailable
from deploy.local.sluice_processes import Gateway, OverflowWriter, UsualWriter, Writer
from gateway.overflow.topics import LOOK_EVERY_S
from shared.clients.clickhouse import ClickHouse
from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.projects import Project, create_project

QUIET = "quiet"


class Way(NamedTuple):
    """How the two projects' records are kept apart. `share`: records a second above which a project overflows."""

    name: str
    share: int
    writers: tuple[type[Writer], ...]


WAYS = (
    Way("no overflow topics", 0, (Writer,)),
    Way("one writer for both", 20_000, (Writer,)),
    Way("a writer of its own", 20_000, (UsualWriter, OverflowWriter)),
)


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one way: seconds from 2xx to found, of the quiet project's logs; logs a second of the noisy one."""

    way: str
    p50_s: float
    p99_s: float
    worst_s: float
    markers: int
    noisy_logs_s: float


def noisy(
    queue: Annotated[str, typer.Option(help="The queue: sqlite or kafka")] = "sqlite",
    rate: Annotated[float, typer.Option(min=1, help="Logs a second of the noisy project")] = 47_000.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long it sends them")] = 17.0,
    json: Annotated[Path | None, typer.Option(help="Also write everything as JSON to this file")] = None,
) -> None:
    """Measure a quiet project's freshness beside a noisy one, on engines of this run alone (two minutes)."""
    console, errors = Console(), Console(stderr=True, soft_wrap=True, highlight=False)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that engines and folder go
    try:
        require_proc()
        if why := missing(queue):
            raise Unavailable(why)
        with showing(errors, queue, 1 + len(WAYS)) as step, _stage(queue, step) as stage:
            found = [_measured(stage, way, rate, seconds, step) for way in WAYS]
    except (DidNotStart, JobFailed, NotLinux, Unavailable) as error:
        errors.print(f"[red]not measured:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    console.print(_table(found))
    if json is not None:
        json.write_bytes(msgspec.json.encode(found))


@contextmanager
def _stage(queue: str, step: Callable[[str], None]) -> Iterator[Engines]:
    step("engines")
    with engines(queue) as running:
        yield running


def _measured(stage: Engines, way: Way, rate: float, seconds: float, step: Callable[[str], None]) -> Noise:
    """Raises `JobFailed` when a request is refused or a marker does not appear."""
    step(way.name)
    phase = stage.phase(f"noisy{WAYS.index(way)}")
    environment = {**phase.environment, "SLUICE_GATEWAY_LANE_RECORDS_S": str(way.share)}
    with ExitStack() as running, closing(ClickHouse(stage.clickhouse_url)) as clickhouse:
        for kind in way.writers:
            running.enter_context(kind(phase.log(kind.role), None, environment))
        gateway = running.enter_context(Gateway(phase.log("gateway"), None, environment))
        port, quiet = gateway.port or 0, f"{QUIET}{WAYS.index(way)}"
        markers = Markers(clickhouse, quiet, port, _key_of(phase, quiet))
        markers.wait_for_first()
        sleep(2 * LOOK_EVERY_S)  # by then the gateway knows of the writers
        job = load.Job(
            port=port,
            pid=gateway.pid or 0,
            requests=requests(port, stage.demo.ingest_key, VARIED),
            connections=64,
            warm_up_s=0.0,
            seconds=seconds,
            rate=rate / VARIED.records,
        )
        driving = load.start(job)
        try:
            waits = markers.measure(seconds)
            outcome = driving.result().checked()
        finally:
            driving.stop()
    return Noise(
        way=way.name,
        p50_s=percentile(waits, 0.5),
        p99_s=percentile(waits, 0.99),
        worst_s=max(waits),
        markers=len(waits),
        noisy_logs_s=outcome.rate * VARIED.records,
    )


def _key_of(phase: Phase, project: str) -> str:
    """An ingest key of a project that is made for it."""
    key = generate("dt")
    with connect(phase.settings.services.postgres_url) as db:
        create_project(db, Project(id=project, name=project))
        create_key(db, project, key, scopes=["ingest"], ingest_limit=0)
    return key


def _table(found: Sequence[Noise]) -> Table:
    table = Table("", "p50", "p99", "worst", "quiet logs", "noisy logs/s", title="A quiet project's logs, 2xx to found")
    for one in found:
        times = [f"{value:.2f} s" for value in (one.p50_s, one.p99_s, one.worst_s)]
        table.add_row(one.way, *times, f"{one.markers:,}", f"{one.noisy_logs_s:,.0f}")
    return table
