"""`make soak`: every fault alone, then random mixes for as long as you like, and a table of verdicts at the end."""

import json
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from shutil import rmtree
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.faults.catalog import FAULTS, faults_of
from tests.faults.harness import MIXED, Result, Step, alone, mixed, run
from tests.faults.stack_under_test import StackUnderTest, stack_under_test

MIXED_MINUTES = {"kafka": 20.0, "sqlite": 10.0, "cluster": 10.0}


class Which(StrEnum):
    sqlite = "sqlite"
    kafka = "kafka"
    cluster = "cluster"
    all = "all"


logging.getLogger().addHandler(logging.NullHandler())  # the clients complain about everything that is away


def soak(
    queue: Annotated[Which, typer.Option(help="Which queue; cluster: three brokers and two shards")] = Which.all,
    minutes: Annotated[
        float | None, typer.Option(help="Of the mixed run; 0: none. Left out: 20 on Kafka, else 10")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Replays a run's schedule; left out: by chance, printed")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="Only this fault, alone (several times)")] = None,
    all_alone: Annotated[bool, typer.Option(help="Every fault alone, before the mixed run")] = False,
    rate: Annotated[float, typer.Option(min=1, help="Records a second")] = 2_000,
    short: Annotated[bool, typer.Option("--short", help="Faults alone once and briefly, as in the tests")] = False,
    folder: Annotated[Path | None, typer.Option(help="For the data; left out: a temporary one")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write the numbers")] = None,
) -> None:
    """Without options: every fault alone, then a mixed run, on each queue."""
    if unknown := set(fault or ()) - FAULTS.keys():
        raise typer.BadParameter(f"no fault {min(unknown)}; there are {', '.join(sorted(FAULTS))}")
    if not (fault or all_alone or minutes is not None):
        all_alone = True
    names = list(FAULTS) if all_alone else fault or []
    if minutes is None and fault:
        minutes = 0.0
    soaking = _Soak(secrets.randbelow(10**6) if seed is None else seed, rate, short, folder)
    queues = list(MIXED_MINUTES) if queue is Which.all else [queue.value]
    for kind in queues:
        soaking.on(kind, names, MIXED_MINUTES[kind] if minutes is None else minutes)
    sys.exit(soaking.tell(json_file))


class _Soak:
    """All runs of one command."""

    def __init__(self, seed: int, rate: float, short: bool, folder: Path | None) -> None:
        self._seed, self._rate, self._short = seed, rate, short
        self._folder = folder or Path(tempfile.mkdtemp(prefix="sluice-soak-"))
        self._results: list[Result] = []
        self._console = Console(soft_wrap=True, highlight=False)
        self._console.print(f"seed {seed}: the same schedule again with --seed {seed}")

    def on(self, queue: str, names: list[str], minutes: float) -> None:
        """Faults alone, then mixed, over one stack."""
        data = self._folder / queue
        self._console.print(f"[bold]{queue}[/]: starting everything in {data}")
        with stack_under_test(data, queue) as stack:
            for each in faults_of(queue):
                if each.name in names:
                    self._console.print(f"[bold]{each.name}[/]: {each.help}")
                    steps = alone(each, self._seed, soak=not self._short)
                    self._run(stack, each.name, steps)
            if minutes:
                self._console.print(f"[bold]mixed[/], {minutes:g} minutes")
                self._run(stack, MIXED, mixed(queue, self._seed), minutes * 60)

    def tell(self, json_file: Path | None) -> int:
        """The table, the file, and the exit code."""
        failed = [result for result in self._results if not result.verdict.passed]
        self._console.print(_table(self._results))
        if json_file:
            json_file.write_text(
                json.dumps({"seed": self._seed, "runs": [r.as_dict() for r in self._results]}, indent=1)
            )
        if failed:
            self._console.print(f"[red]{len(failed)} of {len(self._results)} runs failed[/]; all data: {self._folder}")
            return 1
        rmtree(self._folder, ignore_errors=True)
        self._console.print(f"[green]all {len(self._results)} runs passed[/], seed {self._seed}")
        return 0

    def _run(self, stack: StackUnderTest, label: str, steps: Iterator[Step], seconds: float | None = None) -> None:
        began = time.monotonic()
        result = run(
            stack, label, steps, self._seed, seconds=seconds, records_per_s=self._rate, say=self._console.print
        )
        self._results.append(result)
        verdict = result.verdict
        word = "[green]passed[/]" if verdict.passed else "[red]FAILED[/]"
        self._console.print(
            f"  {word} in {time.monotonic() - began:.0f} s, {verdict.counts.acknowledged:,} records acknowledged"
        )
        for sentence in [*verdict.wrong, *stack.notes]:
            self._console.print(f"  {sentence}", markup=False)
        stack.notes.clear()


def _table(results: list[Result]) -> Table:
    columns = ("queue", "run", "faults", "seconds", "acknowledged", "unknown", "rows", "missing", "duplicated")
    table = Table(*columns, "lost by fault", "letters", "audit", "verdict", title="Verdicts")
    for result in results:
        v, n = result.verdict, result.verdict.counts
        numbers = (n.acknowledged, n.unknown, n.rows, n.missing, n.duplicated, n.lost_by_fault, v.letters)
        table.add_row(
            result.queue,
            result.label,
            str(sum(result.injected.values())),
            f"{result.duration_s:.0f}",
            *(f"{number:,}" for number in numbers),
            v.audit_word,
            "passed" if v.passed else "FAILED",
        )
    return table


if __name__ == "__main__":
    typer.run(soak)
