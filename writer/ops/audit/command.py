"""`sluice audit`."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from shared.commands.common import AsJson, DataDir, print_json, wide_console
from writer.ops.audit import audit as auditing
from writer.ops.audit.accounting import Counts
from writer.ops.audit.audit import Audited, total
from writer.ops.operator import From, Group, Offsets, Operator, Partitions, SignalNames, To, operate, wanted_of
from writer.ops.progress import progress_bar

_COLUMNS = ("messages", "expected", "found", "missing", "duplicated", "dead_lettered", "gaps")
_RARE = ("purged", "expired", "unreadable")
"""Shown only if there are any."""

_WRONG = ("missing", "duplicated", "gaps", "unreadable")


def audit(
    signals: SignalNames = None,
    partitions: Partitions = None,
    since: From = None,
    until: To = None,
    offsets: Offsets = None,
    group: Group = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Compare the queue with ClickHouse, record by record, up to what the writers have committed. Changes nothing.

    Exit code 0: every record is stored once, or kept as a dead letter, or purged, or past its retention. 1: records are
    missing, doubled or lost. 2: it could not be found out.
    """
    wanted = wanted_of(signals, partitions, since, until, offsets)
    started_at = time.monotonic()

    async def compare(operator: Operator) -> list[Audited]:
        bar = progress_bar("messages")
        bar.disable = not bar.console.is_terminal
        task = bar.add_task("auditing", total=None)
        with bar:
            return await auditing.audit(
                operator,
                wanted,
                begun=lambda offsets: bar.update(task, total=offsets),
                progress=lambda offsets: bar.advance(task, offsets),
            )

    done = operate(data_dir, compare, group=group)
    if as_json:
        print_json(as_json_value(done))
    else:
        _show(done, time.monotonic() - started_at, wide_console())
    raise typer.Exit(0 if total(done).ok else 1)


def as_json_value(done: list[Audited]) -> dict[str, Any]:
    """What `--json` prints: `ok`, `totals` and `partitions`, the counts under the same names in both."""
    totals = total(done)
    partitions = [
        {
            "signal": one.range.signal.name,
            "topic": one.range.lane.topic,
            "partition": one.range.lane.partition,
            "first": one.range.first,
            "end": one.range.end,
            "ok": one.counts.ok,
            **asdict(one.counts),
        }
        for one in done
    ]
    return {"ok": totals.ok, "totals": asdict(totals), "partitions": partitions}


def _show(done: list[Audited], took_s: float, console: Console) -> None:
    totals = total(done)
    names = [*_COLUMNS, *(name for name in _RARE if getattr(totals, name))]
    table = Table("topic", "partition", show_footer=True)
    table.columns[0].footer = "all"
    for name in names:
        table.add_column(name.replace("_", "-"), _number(name, totals), justify="right")
    for one in done:
        if one.counts != Counts():
            cells = [_number(name, one.counts) for name in names]
            table.add_row(one.range.lane.topic, str(one.range.lane.partition), *cells)
    console.print(table)
    rate = totals.records / max(took_s, 0.001)
    for sentence in (f"{totals.records:,} records in {took_s:.1f} s, {rate:,.0f}/s", *advice(totals)):
        console.print(sentence, highlight=False, soft_wrap=True)


def _number(name: str, counts: Counts) -> str:
    value = getattr(counts, name)
    return f"[red]{value:,}[/red]" if value and name in _WRONG else f"{value:,}"


def advice(totals: Counts) -> list[str]:
    """What the numbers mean and what to do next, as Rich markup; the last lines of the output."""
    found: list[str] = []
    if totals.missing:
        found.append(f"[red]{totals.missing:,} missing:[/red] `sluice replay` with the same range brings them back")
    if totals.duplicated:
        found.append(f"[red]{totals.duplicated:,} duplicated:[/red] `sluice replay --rewrite` leaves one row of each")
    if totals.gaps:
        found.append(
            f"[red]{totals.gaps:,} messages lost:[/red] retention took them before a writer read them; `sluice lag`"
            " shows which lanes are behind now"
        )
    if totals.unreadable:
        found.append(
            f"[red]{totals.unreadable:,} messages unreadable:[/red] a newer Sluice wrote them (upgrade this one and"
            " run the audit again), or the queue is damaged there (`sluice replay` makes dead letters of them)"
        )
    if totals.dead_lettered:
        found.append(f"[yellow]{totals.dead_lettered:,} dead-lettered:[/yellow] `sluice dlq list` says why")
    if totals.ok:
        rest = " or kept as a dead letter" if totals.dead_lettered else ""
        found.append(f"[green]ok:[/green] every record is in ClickHouse exactly once{rest}")
    return found
