"""`sluice demo`."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.demo.hour import Hour
from deploy.demo.records import SIGNALS, Keys, Record, sendings
from deploy.demo.sender import NotTaken, Sender
from deploy.demo.target import Target
from shared.commands.common import AsJson, DataDir, print_json, sentences

_NAMES = {"logs": "logs", "errors": "errors", "traces": "spans", "llm": "calls to models"}

_STEP_S = 60
"""What happens in so long is sent together."""


def demo(
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=1_440, help="How long back the traffic begins")] = 60,
    rate: Annotated[
        float, typer.Option("--rate", min=0.1, max=1_000, help="Visits a minute, of some 10 records each")
    ] = 10,
    live: Annotated[bool, typer.Option("--live", help="Go on as time does, until Ctrl-C")] = False,
    seed: Annotated[int, typer.Option("--seed", help="The same number makes the same traffic")] = 1,
    again: Annotated[bool, typer.Option("--again", help="Also into a project that has records")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Send an hour of a made-up shop's traffic to the demo project, in the formats that clients speak.

    It goes through the gateway. In the middle a deploy breaks the checkout.

    Exit code 1: it was refused, or the project has records already.
    """
    with sentences(NotTaken):
        target = Target.beside(data_dir)
        if not again and (stored := target.stored()):
            raise NotTaken(f"the project {target.project_id} has {stored:,} records: --again sends these as well")
        now = time.time()
        hour = Hour(now - minutes * 60, now, rate, seed)
        with Sender(target.url) as sender:
            _send_past(hour, sender, target.keys, minutes)
            _tell(sender, target, as_json)
            if live:
                _go_on(hour, sender, target.keys)


def _send_past(hour: Hour, sender: Sender, keys: Keys, minutes: int) -> None:
    """What has happened by now, with a bar of its minutes."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("minutes"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Sending", total=minutes)
        for n, records in enumerate(_steps(hour)):
            sender.send(sendings(records, keys))
            bar.update(task, completed=min(n + 1, minutes))
        sender.send(sendings(hour.deploy(), keys))
        bar.update(task, completed=minutes)


def _steps(hour: Hour) -> Iterator[list[Record]]:
    """The records of each minute."""
    records: list[Record] = []
    until = hour.start + _STEP_S
    for visit in takewhile(lambda visit: visit.scene.at < hour.end, hour.visits()):
        while visit.scene.at >= until:
            yield records
            records, until = [], until + _STEP_S
        records += visit.records
    yield records


def _go_on(hour: Hour, sender: Sender, keys: Keys) -> None:
    """Each visit once it has ended, until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        for visit in dropwhile(lambda visit: visit.scene.at < hour.end, hour.visits()):
            time.sleep(max(0.0, visit.ends_at - time.time()))
            sender.send(sendings(visit.records, keys))


def _tell(sender: Sender, target: Target, as_json: bool) -> None:
    counts: Counter[str] = Counter()
    for kind, n in sender.taken.items():
        counts.update(dict.fromkeys(SIGNALS[kind], n))
    if as_json:
        print_json(
            {"project_id": target.project_id, "requests": sender.requests, "records": dict(sorted(counts.items()))}
        )
        return
    said = ", ".join(f"{n:,} {_NAMES[signal]}" for signal, n in sorted(counts.items()))
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[green]✓[/green] {said} in {sender.requests:,} requests. In a few seconds all is stored:")
    console.print(f"  {target.url}/p/{target.project_id}/logs", markup=False)
