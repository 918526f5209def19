"""`sluice writer`: one writer process."""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

import structlog
import typer
import uvloop

from shared import logging_setup, settings
from shared.clients.postgres import Postgres
from shared.clock import clock
from shared.endpoint import Answer, Endpoint, Page, json_answer, listening, metrics_page
from shared.failpoints import Failpoints
from shared.hourly_counts import HourlyCounts
from shared.lateness import Lateness
from shared.memory import share_one_heap
from shared.metrics import Metrics
from shared.queue import open_queue
from shared.queue.topic_check import CHECK_S, TopicCheck
from shared.queue.watch import Watch, letters
from shared.registry import Registry, UnknownSignal, load
from shared.settings import Settings
from shared.settings import Writer as WriterSettings
from shared.signals.base import Signal
from shared.token_windows import TokenWindows, token_windows
from shared.tracing import tracer_of
from writer.handover import Handover
from writer.loop import Neighbours, WriterLoop
from writer.processes import Processes, variables_of
from writer.rules_book import RulesBook
from writer.sink import Sink

_log = structlog.get_logger(__name__)

STUCK_AFTER_S = 15.0
"""A receive loop that hasn't turned for this long is stuck. A turn takes 0.05 s, up to 10 s while the queue is away."""

LAST_PORT = 65_535

NESTING = 3_000
"""More than a gateway's 1,000: any JSON that it accepted can be read here, on any stack."""


class Beside(Protocol):
    """What runs beside the writing."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


def writer(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SIGNAL]...", help="Signals to write; all if none is named.")
    ] = None,
    overflow: Annotated[
        bool | None,
        typer.Option(
            "--overflow/--no-overflow", help="Only their overflow topics, or only the others; both if left out"
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(min=1, max=64, help="Processes that share the partitions; metrics ports count up from the first"),
    ] = 1,
) -> None:
    """Write what is in the queue to ClickHouse, each record as exactly one row. Settings: SLUICE_* variables."""
    loaded = settings.load(os.environ)
    registry = load(loaded.services.extensions, loaded.topics.prefix)
    signals = signals_of(registry, names or (), overflow=overflow)
    failpoints = Failpoints(os.environ.get("SLUICE_FAILPOINT", ""))
    refuse_unfit_places(loaded.writer, processes)
    logging_setup.configure(loaded.logs.level, loaded.logs.format)
    logging_setup.Detail(loaded.logs.level).listen()
    if loaded.writer.name:
        structlog.contextvars.bind_contextvars(process=loaded.writer.name)
    if processes > 1:
        variables = [variables_of(number, loaded.writer) for number in range(1, processes + 1)]
        only = {None: [], True: ["--overflow"], False: ["--no-overflow"]}[overflow]
        sys.exit(Processes([*(names or ()), *only], variables, loaded.writer.shutdown_s).run())
    share_one_heap()
    sys.setrecursionlimit(NESTING)
    uvloop.run(run(loaded, registry, signals, failpoints))


async def run(loaded: Settings, registry: Registry, signals: list[Signal], failpoints: Failpoints) -> None:
    """Until SIGTERM or SIGINT. Raises `BadSetting` for topics that don't fit the settings."""
    mine = loaded.writer
    metrics = Metrics()
    queue = open_queue(loaded)
    sink = Sink(
        loaded.services.clickhouse_url,
        threads=mine.insert_threads,
        timeout_s=mine.insert_timeout_s,
        storage=loaded.storage,
    )
    postgres, now = Postgres(loaded.services.postgres_url, connections=1), clock(loaded.services.clock_offset_s)
    rules, counts, tracer = RulesBook(postgres), HourlyCounts(postgres, now), tracer_of(loaded, "writer")
    loop = WriterLoop(Neighbours(queue, sink, rules, counts, tracer), registry, signals, mine, metrics, failpoints, now)
    letter_topics = [each.dead_letter_topic for each in signals]
    check = TopicCheck(queue, letter_topics, strict=loaded.topics.strict)
    looks = (letters(queue, letter_topics, loaded.topics.dead_letter_bytes, metrics), check.look)
    handover = Handover(queue, registry.groups(mine.group))
    beside: list[Beside] = [Lateness(metrics), *map(Watch, (*looks, handover.look)), counts]
    pages = {"/metrics": metrics_page(metrics.registry), "/health": health_page(lambda: health(loop, time.monotonic()))}
    endpoint = Endpoint(pages)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        port = await listening(endpoint, mine.metrics_host, mine.metrics_port, "SLUICE_WRITER_METRICS")
        await warn_of_tables(sink, signals)
        await check.at_start()
        warn_of_windows(sink, signals, await token_windows(queue, loaded, registry, within_s=CHECK_S))
        for each in beside:
            await each.start()
        _freeze_garbage()
        _log.info("writer started", signals=[each.full_name for each in signals], metrics_port=port)
        await loop.run(stop)
        _log.info("writer stopped")
    finally:
        await endpoint.stop()
        for each in beside:
            await each.close()
        await rules.close()
        await asyncio.to_thread(sink.close)
        await queue.close()
        if tracer is not None:
            await asyncio.to_thread(tracer.close)


def signals_of(registry: Registry, names: Sequence[str], *, overflow: bool | None) -> list[Signal]:
    """The signals of these names, all if there is none, with both topics or one of them. Raises `BadParameter`."""
    try:
        found = registry.named(names)
    except UnknownSignal as error:
        raise typer.BadParameter(str(error)) from error
    if found := [each for each in found if overflow in (None, each.is_overflow)]:
        return found
    raise typer.BadParameter("--overflow and --no-overflow leave none of these topics")


def refuse_unfit_places(mine: WriterSettings, processes: int) -> None:
    """Raise `BadSetting` for ports and files that can't exist."""
    if mine.metrics_port and mine.metrics_port + processes - 1 > LAST_PORT:
        raise settings.BadSetting(
            f"SLUICE_WRITER_METRICS_PORT={mine.metrics_port}: {processes} ports are needed, counting up from it"
        )
    if mine.liveness_file and not mine.liveness_file.parent.is_dir():
        raise settings.BadSetting(f"SLUICE_WRITER_LIVENESS_FILE={mine.liveness_file}: its folder does not exist")


async def warn_of_tables(sink: Sink, signals: list[Signal]) -> None:
    """Log which tables can't be written to now, once for each: their lanes wait for them, the others go on."""
    tables = {each.table.name: each.table for each in signals}
    found = await asyncio.gather(*(sink.check(table) for table in tables.values()), return_exceptions=True)
    for name, error in zip(tables, found, strict=True):
        if error is not None:
            _log.error("a table can't be written to: its lanes wait", table=name, error=str(error))


def warn_of_windows(sink: Sink, signals: list[Signal], windows: TokenWindows) -> None:
    """Log which tables may forget a token while its batch can still be sent again, once for each."""
    for table in {each.table.name: each.table for each in signals}.values():
        if (there := sink.remembered(table)) is None:
            continue  # it was named already
        if there.blocks < (needed := windows.needed(table.name, there.shards)):
            _log.warning(
                "a table remembers fewer blocks than may come while a batch can be sent again: run `sluice migrate`",
                table=table.name,
                remembers=there.blocks,
                may_come=needed,
            )


def health(loop: WriterLoop, now: float) -> tuple[bool, dict[str, Any]]:
    """Whether the receive loop turns, and the state of each lane. A lane that waits for a neighbour is no reason to
    restart the process."""
    silent_s = now - loop.beat_at
    return silent_s < STUCK_AFTER_S, {"silent_s": round(silent_s, 3), "lanes": loop.states()}


def health_page(look: Callable[[], tuple[bool, dict[str, Any]]]) -> Page:
    """The page of what `look` returns: whether the writer is well, and details."""

    async def page() -> Answer:
        well, details = look()
        return json_answer(200 if well else 503, {"status": "ok" if well else "stuck", **details})

    return page


def _freeze_garbage() -> None:
    """Exempt what exists now from garbage collection, and make the collector run rarely
    (performance.md, "The garbage collector")."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
