"""`sluice dlq`."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from shared.commands.common import AsJson, DataDir, fail, print_json
from shared.formats.base import Format
from shared.letters import Kept
from shared.signals.base import Signal
from writer.main import NESTING
from writer.ops.dlq import show as dlq_show
from writer.ops.dlq.filters import Filters, Keys, States, filtered
from writer.ops.dlq.purge import purge as run_purge
from writer.ops.dlq.redrive import Summary
from writer.ops.dlq.redrive import redrive as run_redrive
from writer.ops.letters import current_letters, with_bytes
from writer.ops.operator import Group, Operator, operate
from writer.ops.progress import progress_bar
from writer.ops.ranges import signals_of
from writer.ops.restore.guard import WritersAtWork
from writer.ops.restore.session import failpoints_of_environment

dlq = typer.Typer(help="Dead letters: list, show, redrive and purge them.", no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and write nothing")]


@dlq.command("list")
@filtered
def list_all(
    filters: Filters,
    state: States = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Show so many, the newest; 0: all")] = 100,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """List letters, the newest last, and count them. Gaps are messages that retention took before they were stored."""
    chosen = filters.chosen(states=state or ("open", "gap", "unknown"))

    async def work(operator: Operator) -> list[Kept]:
        topics = [each.dead_letter_topic for each in signals_of(operator.registry, filters.signal or ())]
        return [kept for topic in topics for kept in await current_letters(operator.queue, topic, chosen)]

    found = sorted(operate(data_dir, work, away=1), key=lambda kept: kept.at_ms)
    shown = found[-limit:] if limit else found
    if as_json:
        print_json(dlq_show.listing(found, shown))
    else:
        dlq_show.print_listing(found, shown)


@dlq.command()
def show(
    key: Annotated[str, typer.Argument(metavar="KEY", help="As dlq list shows it")],
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Show one letter: its history, and the message that it keeps."""

    formats: dict[str, Format] = {}

    async def work(operator: Operator) -> Kept | None:
        formats.update(operator.registry.formats)
        for each in operator.registry.with_overflow:
            if key.removeprefix("gap:").startswith(f"{each.topic}:"):
                found = await current_letters(operator.queue, each.dead_letter_topic, lambda kept: kept.key == key)
                async for kept in with_bytes(operator.queue, found):
                    return kept
        return None

    found = operate(data_dir, work, away=1)
    if found is None:
        fail(f"there is no letter {key!r}; sluice dlq list shows the keys")
    if as_json:
        print_json(dlq_show.whole(found, formats))
    else:
        dlq_show.print_whole(found, formats)


@dlq.command()
@filtered
def redrive(
    filters: Filters,
    key: Keys = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    group: Group = None,
    data_dir: DataDir = Path("var"),
) -> None:
    """Store what open letters keep under its original coordinates, unless it is stored already, and close them.
    Exit code 0: all letters that were asked for are closed."""
    chosen = filters.chosen(keys=key or ())
    sys.setrecursionlimit(NESTING)

    async def work(operator: Operator) -> Summary:
        signals = signals_of(operator.registry, filters.signal or ())
        with progress_bar("letters") as progress:
            return await run_redrive(
                operator, signals, chosen, progress, dry_run=dry_run, failpoints=failpoints_of_environment()
            )

    try:
        summary = operate(data_dir, work, group=group, away=1)
    except WritersAtWork as error:
        fail(str(error))
    if as_json:
        print_json({**asdict(summary), "complete": summary.complete})
    else:
        _print_redriven(summary)
    raise typer.Exit(0 if summary.complete else 1)


@dlq.command()
@filtered
def purge(
    filters: Filters,
    key: Keys = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Delete what open letters keep, for good; a small marker of each remains, and audit counts it."""
    chosen = filters.chosen(keys=key or ())

    def run(only_count: bool) -> int:
        async def work(operator: Operator) -> int:
            signals: list[Signal] = signals_of(operator.registry, filters.signal or ())
            with progress_bar("letters") as progress:
                return await run_purge(operator, signals, chosen, progress, dry_run=only_count)

        return operate(data_dir, work, away=1)

    if not (yes or dry_run):
        if as_json:
            raise typer.BadParameter("there is nobody to ask: add --yes or --dry-run")
        typer.confirm(f"Delete what {run(True):,} letters keep, for good?", abort=True, err=True)
    count = run(dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "purged": count})
    else:
        done = "would be purged" if dry_run else "purged"
        Console().print(f"[green]✓[/green] {count:,} letters {done}", highlight=False)


def _print_redriven(summary: Summary) -> None:
    console = Console()
    mark = "[green]✓[/green]" if summary.complete else "[red]not all:[/red]"
    verb = "would be redriven" if summary.dry_run else "redriven"
    counts = {
        "records stored": summary.inserted,
        "already present": summary.already_present,
        "letters still failing": summary.still_failing,
        "past their retention": summary.expired,
    }
    details = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    console.print(f"{mark} {summary.redriven:,} of {summary.letters:,} letters {verb}; {details}", highlight=False)
    for why, count in summary.waiting.items():
        console.print(f"  {count:,} not tried: {escape(why)}", highlight=False, soft_wrap=True)
