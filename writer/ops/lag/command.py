"""`sluice lag`."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from shared.commands.common import AsJson, DataDir
from shared.metrics import LagGauges
from shared.queue.base import QueueError
from writer.lag import show
from writer.ops.lag.observer import LaneLag, Observer
from writer.ops.lag.report import Screen, screen, show_once
from writer.ops.operator import Group, Operator, Partitions, SignalNames, operate, wanted_of
from writer.ops.ranges import Wanted
from writer.ops.serving import MetricsHost, MetricsPort, served

FIRST_INTERVAL_S = 1.0
"""Between the first two observations: there are no rates before the second."""


def lag(
    signals: SignalNames = None,
    partitions: Partitions = None,
    group: Group = None,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh until Ctrl-C")] = False,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between two refreshes of --watch")] = 2.0,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Show how far the writers are behind, how fast they go and when they will be done.

    Their group need not run and is not touched. With --watch --json, one line a refresh.
    """
    wanted = wanted_of(signals, partitions)
    if not watch and metrics_port is None:
        show_once(operate(data_dir, lambda operator: _observe_twice(operator, wanted), group=group), as_json)
        return

    async def observe_until_stopped(operator: Operator) -> None:
        observer = Observer(operator, wanted)
        await observer.observe()  # a queue that is away at first ends the command
        with screen(watch, as_json) as show_next:
            await _keep_observing(observer, interval, gauges, show_next)

    registry = CollectorRegistry()
    gauges = LagGauges(registry)
    with served(metrics_host, metrics_port, registry):
        operate(data_dir, observe_until_stopped, group=group)


async def _observe_twice(operator: Operator, wanted: Wanted) -> list[LaneLag]:
    observer = Observer(operator, wanted)
    await observer.observe()
    await asyncio.sleep(FIRST_INTERVAL_S)
    return await observer.observe()


async def _keep_observing(observer: Observer, interval_s: float, gauges: LagGauges, show_next: Screen) -> None:
    """Observe until SIGINT or SIGTERM. Waits for a queue that goes away."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pause_s = min(FIRST_INTERVAL_S, interval_s)
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause_s)
            break
        pause_s = interval_s
        try:
            lanes = await observer.observe()
        except QueueError as error:
            gauges.keep_only([])  # an old number would look current
            show_next(error)
        else:
            show(gauges, {each.lane: each.lag for each in lanes})
            show_next(lanes)
