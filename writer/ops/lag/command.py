"""`sluice lag`."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, start_http_server
from rich.console import Console

from shared.commands.common import AsJson, DataDir, fail
from shared.metrics import LagGauges
from shared.queue.base import QueueError
from writer.lag import show
from writer.ops.lag.observer import LaneLag, Observer
from writer.ops.lag.report import Screen, screen, show_once
from writer.ops.operator import Group, Operator, Partitions, SignalNames, operate, wanted_of
from writer.ops.ranges import Wanted

BETWEEN_TWO_S = 1.0
"""Between the first two looks: there are no rates before the second."""


def lag(
    signals: SignalNames = None,
    partitions: Partitions = None,
    group: Group = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C")] = False,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between the looks of --watch")] = 2.0,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Until Ctrl-C, serve Prometheus metrics on 127.0.0.1 at this port"),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Show how far the writers are behind, how fast they go and when they will be done.

    Their group need not run, and is not touched. With --watch --json one line a look.
    """
    wanted = wanted_of(signals, partitions)
    if not watch and metrics_port is None:
        show_once(operate(data_dir, lambda operator: _look_twice(operator, wanted), group=group), as_json)
        return

    async def look_on(operator: Operator) -> None:
        observer = Observer(operator, wanted)
        await observer.look()  # a queue that isn't there at first ends the command
        with screen(watch, as_json) as tell:
            await _look_on(observer, interval, gauges, tell)

    with _served(metrics_port) as gauges:
        operate(data_dir, look_on, group=group)


async def _look_twice(operator: Operator, wanted: Wanted) -> list[LaneLag]:
    observer = Observer(operator, wanted)
    await observer.look()
    await asyncio.sleep(BETWEEN_TWO_S)
    return await observer.look()


async def _look_on(observer: Observer, interval_s: float, gauges: LagGauges, tell: Screen) -> None:
    """Until SIGINT or SIGTERM. A queue that goes away is waited for."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pause_s = min(BETWEEN_TWO_S, interval_s)
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause_s)
            break
        pause_s = interval_s
        try:
            lanes = await observer.look()
        except QueueError as error:
            gauges.keep_only([])  # an old number would look like a new one
            tell(error)
        else:
            show(gauges, {each.lane: each.lag for each in lanes})
            tell(lanes)


@contextmanager
def _served(port: int | None) -> Iterator[LagGauges]:
    """Gauges, and while the `with` lasts /metrics with them. Ends the command if the port can't be had."""
    registry = CollectorRegistry()
    gauges = LagGauges(registry)
    if port is None:
        yield gauges
        return
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        fail(f"port {port} can't be listened on: {error}")
    Console(stderr=True).print(f"serving http://127.0.0.1:{server.server_port}/metrics", highlight=False)
    try:
        yield gauges
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
