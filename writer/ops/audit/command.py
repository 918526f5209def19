"""`sluice audit`."""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.commands.common import AsJson, DataDir, print_json, wide_console
from shared.spools import KnownSpool
from writer.main import NESTING
from writer.ops.audit import audit as auditing
from writer.ops.audit.accounting import Counts
from writer.ops.audit.audit import Audited, total
from writer.ops.audit.rounds import AuditGauges, repeat
from writer.ops.audit.spools import known_spools, show_spools
from writer.ops.operator import From, Group, Offsets, Operator, Partitions, SignalNames, To, operate, wanted_of
from writer.ops.progress import progress_bar
from writer.ops.ranges import Wanted
from writer.ops.serving import MetricsHost, MetricsPort, served

_COLUMNS = ("messages", "expected", "found", "missing", "duplicated", "dead_lettered", "gaps")
_RARE = ("altered", "purged", "expired", "unreadable")
"""Shown only if there are any."""

_WRONG = ("missing", "duplicated", "altered", "gaps", "unreadable")

COMPARED = ("place in the queue", "received_at", "project_id", "retention_days")
"""What audit compares of each record without --contents."""

ALL_COMPARED = ("place in the queue", "every column")


def audit(
    signals: SignalNames = None,
    partitions: Partitions = None,
    since: From = None,
    until: To = None,
    offsets: Offsets = None,
    group: Group = None,
    contents: Annotated[
        bool, typer.Option("--contents", help="Derive each record again and compare every column of its row: slow")
    ] = False,
    every: Annotated[
        float | None, typer.Option(min=1, help="Audit again every so many seconds, until Ctrl-C; with --from 26h, say")
    ] = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Compare the queue with ClickHouse, record by record, up to what the writers have committed. Changes nothing.

    Exit code 0: every record is stored once, or kept as a dead letter, or purged, or past its retention. 1: records are
    missing, doubled, altered or lost, or wait in a spool, or the queue was lost, recreated or restored. 2: it could not
    be found out, also because Postgres can't say whether gateways have spools (on Kafka).

    Of each record its place, received_at, project_id and retention_days are compared; with --contents every column.
    With --every it goes on, whatever it finds: --metrics-port tells Prometheus.
    """
    if metrics_port is not None and every is None:
        raise typer.BadParameter("--metrics-port needs --every: what ends can't be scraped")
    sys.setrecursionlimit(NESTING)
    registry = CollectorRegistry()
    gauges = AuditGauges(registry)

    def once() -> int:
        started_at = time.monotonic()
        wanted = wanted_of(signals, partitions, since, until, offsets)
        spools, done = operate(data_dir, lambda operator: _compare(operator, wanted, contents), group=group)
        code = code_of(done, spools)
        _tell(done, spools, time.monotonic() - started_at, ALL_COMPARED if contents else COMPARED, as_json)
        gauges.show(total(done), ok=code == 0, finished_at=time.time())
        return code

    if every is None:
        raise typer.Exit(once())
    with served(metrics_host, metrics_port, registry):
        repeat(once, every)


def _tell(
    done: list[Audited], spools: Sequence[KnownSpool] | None, took_s: float, compared: Sequence[str], as_json: bool
) -> None:
    if as_json:
        print_json(as_json_value(done, compared, spools))
    else:
        _show(done, spools, took_s, compared, wide_console())
        show_spools(spools, wide_console())


async def _compare(
    operator: Operator, wanted: Wanted, contents: bool
) -> tuple[Sequence[KnownSpool] | None, list[Audited]]:
    """The spools are asked for first: what leaves one meanwhile is in the queue."""
    spools = await known_spools(operator)
    bar = progress_bar("messages")
    bar.disable = not bar.console.is_terminal
    task = bar.add_task("auditing", total=None)
    with bar:
        return spools, await auditing.audit(
            operator,
            wanted,
            contents=contents,
            begun=lambda offsets: bar.update(task, total=offsets),
            progress=lambda offsets: bar.advance(task, offsets),
        )


def code_of(done: list[Audited], spools: Sequence[KnownSpool] | None) -> int:
    """The exit code. `spools`: None where Postgres could not be asked."""
    if not all(one.ok for one in done) or any(each.messages for each in spools or ()):
        return 1
    return 2 if spools is None else 0


def as_json_value(
    done: list[Audited], compared: Sequence[str] = COMPARED, spools: Sequence[KnownSpool] | None = ()
) -> dict[str, Any]:
    """What `--json` prints: `ok`, `compared`, `totals` and `partitions`, the counts under the same names in both.

    `empty`: the queue holds nothing of the range, so nothing was compared. `stored_up_to`: the highest offset in
    ClickHouse where the queue ends before it; null where it doesn't. `former_up_to`: the highest offset of rows of a
    former queue, where this one has given out their offsets again. `skipped`: no message and no table. `spools`: those
    of gateways; null where Postgres could not be asked.
    """
    totals = total(done)
    partitions = [
        {
            "signal": one.range.signal.name,
            "topic": one.range.lane.topic,
            "partition": one.range.lane.partition,
            "first": one.range.first,
            "end": one.range.end,
            "ok": one.ok,
            "skipped": one.skipped,
            "stored_up_to": one.stored_up_to,
            "former_up_to": one.former.up_to if one.former else None,
            **asdict(one.counts),
        }
        for one in done
    ]
    return {
        "ok": code_of(done, spools) == 0,
        "empty": not totals.messages,
        "compared": compared,
        "totals": asdict(totals),
        "partitions": partitions,
        "spools": None if spools is None else [msgspec.structs.asdict(each) for each in spools],
    }


def _show(
    done: list[Audited],
    spools: Sequence[KnownSpool] | None,
    took_s: float,
    compared: Sequence[str],
    console: Console,
) -> None:
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
    speed = f"{totals.records:,} records in {took_s:.1f} s, {rate:,.0f}/s; compared: {', '.join(compared)}"
    for sentence in (speed, *advice(totals, done, spools)):
        console.print(sentence, highlight=False, soft_wrap=True)


def _number(name: str, counts: Counts) -> str:
    value = getattr(counts, name)
    return f"[red]{value:,}[/red]" if value and name in _WRONG else f"{value:,}"


def advice(totals: Counts, done: Sequence[Audited] = (), spools: Sequence[KnownSpool] | None = ()) -> list[str]:
    """What the numbers mean and what to do next, as Rich markup; what is to do for spools stands below."""
    found = [_lost_end(one) for one in done if one.stored_up_to is not None]
    found += [_remade(one) for one in done if one.former]
    complete = totals.ok and not found and code_of([], spools) == 0
    if totals.missing:
        found.append(f"[red]{totals.missing:,} missing:[/red] `sluice replay` with the same range brings them back")
    if totals.duplicated:
        found.append(f"[red]{totals.duplicated:,} duplicated:[/red] `sluice replay --rewrite` leaves one row of each")
    if totals.altered:
        found.append(
            f"[red]{totals.altered:,} altered:[/red] their rows differ from their messages;"
            " `sluice replay --rewrite` stores them again as they were sent"
        )
    if totals.gaps:
        found.append(
            f"[red]{totals.gaps:,} messages lost:[/red] retention took them before a writer read them; `sluice lag`"
            " shows which lanes are behind now"
        )
    if totals.unreadable:
        found.append(
            f"[red]{totals.unreadable:,} messages unreadable:[/red] a newer Sluice wrote them; upgrade this one and"
            " run the audit again. Or the queue is damaged there: `sluice replay` makes dead letters of them"
        )
    if totals.dead_lettered:
        found.append(f"[yellow]{totals.dead_lettered:,} dead-lettered:[/yellow] `sluice dlq list` says why")
    if skipped := dict.fromkeys(one.range.signal for one in done if one.skipped):
        names = ", ".join(f"{escape(signal.name)} (no table {escape(signal.table.name)})" for signal in skipped)
        found.append(f"[yellow]skipped:[/yellow] {names}: there is no message to compare")
    if not totals.messages:
        found.append(
            "[yellow]empty:[/yellow] the queue holds no message of this range that the writers have committed, so"
            " nothing was compared"
        )
    elif complete:
        rest = " or kept as a dead letter" if totals.dead_lettered else ""
        found.append(f"[green]ok:[/green] every record is in ClickHouse exactly once{rest}")
    return found


def _lost_end(one: Audited) -> str:
    lane, stored, end = one.range.lane, one.stored_up_to, one.range.state.end
    return (
        f"[red]{escape(lane.topic)}:{lane.partition} has lost its end:[/red] ClickHouse has rows up to offset {stored},"
        f" the queue ends before offset {end}. It was lost, recreated or restored: its offsets {end} to {stored} can't"
        " be compared any more, and what it held above them and was not stored is gone without a trace"
    )


def _remade(one: Audited) -> str:
    lane, former = one.range.lane, one.former
    until = datetime.fromtimestamp(former.until // 1_000_000, UTC)
    return (
        f"[red]{escape(lane.topic)}:{lane.partition} was remade:[/red] ClickHouse has rows of a former queue at offsets"
        f" that this one has given out again, up to {former.up_to}, the last received at {until:%Y-%m-%d %H:%M:%S} UTC."
        " After that it was lost, recreated or restored: what it held and was not stored is gone without a trace"
    )
