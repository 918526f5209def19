"""`sluice replay`."""

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from shared.commands.common import AsJson, DataDir, fail, print_json
from writer.held import DeletionRefused
from writer.main import NESTING
from writer.ops.operator import From, Group, Offsets, Operator, Partitions, SignalNames, To, operate, wanted_of
from writer.ops.progress import progress_bar
from writer.ops.replay.regrouping import Grouping
from writer.ops.replay.replay import BadVersion, Options, Summary
from writer.ops.replay.replay import replay as run
from writer.ops.restore.guard import WritersAtWork
from writer.ops.restore.session import failpoints_of_environment


class RulesChoice(StrEnum):
    STAMPED = "stamped"
    CURRENT = "current"


Rewrite = Annotated[
    bool, typer.Option("--rewrite", help="Also delete the rows that are there, and store them derived again")
]
FingerprintVersion = Annotated[
    int | None,
    typer.Option(
        "--fingerprint-version",
        min=1,
        help="With --rewrite: group errors with this version; left out: with the one in the client's answer",
    ),
]
RulesOption = Annotated[
    RulesChoice,
    typer.Option(
        "--rules", help="With --rewrite: group errors by the rules in the client's answer, or by those of now"
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and write nothing")]


def replay(
    signal: SignalNames = None,
    partition: Partitions = None,
    since: From = None,
    until: To = None,
    offsets: Offsets = None,
    rewrite: Rewrite = False,
    fingerprint_version: FingerprintVersion = None,
    rules: RulesOption = RulesChoice.STAMPED,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    group: Group = None,
    data_dir: DataDir = Path("var"),
) -> None:
    """Read a range of the queue again and store what ClickHouse lacks. Safe while writers run; running it twice is the
    same as once. Exit code 0: the range is complete; 1: it is not, and the summary says why."""
    if fingerprint_version is not None and not rewrite:
        raise typer.BadParameter("--fingerprint-version changes rows that are there: add --rewrite")
    if rules is RulesChoice.CURRENT and not rewrite:
        raise typer.BadParameter("--rules current changes rows that are there: add --rewrite")
    wanted = wanted_of(signal, partition, since, until, offsets)
    options = Options(dry_run, rewrite, Grouping(fingerprint_version, rules.value))
    sys.setrecursionlimit(NESTING)

    async def work(operator: Operator) -> Summary:
        with progress_bar("messages") as progress:
            return await run(operator, wanted, options, progress, failpoints_of_environment())

    try:
        summary = operate(data_dir, work, group=group, away=1)
    except (BadVersion, DeletionRefused, WritersAtWork) as error:
        fail(str(error))
    if as_json:
        print_json({**asdict(summary), "complete": summary.complete})
    else:
        _show(summary, rewrite)
    raise typer.Exit(0 if summary.complete else 1)


def _show(summary: Summary, rewrite: bool) -> None:
    console = Console()
    mark = "[green]✓[/green]" if summary.complete else "[red]not complete:[/red]"
    counts = {
        "to insert" if summary.dry_run else "inserted": summary.inserted,
        "already present": summary.already_present,
        "dead letters": summary.dead_lettered,
        "past their retention": summary.expired,
    }
    if rewrite:
        counts["to rewrite" if summary.dry_run else "rewritten"] = summary.rewritten
    details = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    console.print(f"{mark} {summary.read:,} messages read; records: {details}", highlight=False, soft_wrap=True)
    if not summary.read:
        console.print("  the queue holds no message of this range that the writers have committed", highlight=False)
    for sentence in summary.incomplete:
        console.print(f"  {escape(sentence)}", highlight=False, soft_wrap=True)
