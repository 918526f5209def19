"""How much of everything a load needs, from what was measured: `python -m deploy.bench.capacity [LOGS_A_SECOND ...]`
(capacity.md, "The model")."""

import sys
from math import ceil

import msgspec

from shared.partitions import Partitions
from shared.registry import load
from shared.settings import Writer
from shared.token_windows import TokenWindows

LOADS = (1_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
"""Logs a second of the page's table."""

_DAY_S = 86_400


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured, of one machine (capacity.md, "Figures"). The lower end of each range."""

    gateway_logs: int = 280_000
    """Logs that a CPU-second of a gateway takes, in requests of 100."""
    writer_rows: int = 189_000
    """Rows that a CPU-second of a writer makes and inserts."""
    server_us: float = 10.9
    """CPU microseconds of ClickHouse a row, merges included, in batches of 8,000."""
    message_bytes: int = 576
    """Of a log in a message of the queue, unpacked."""
    packed_bytes: int = 65
    """The same as Kafka stores it, once."""
    disk_bytes: int = 58
    """Of a log in ClickHouse, once."""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decides."""

    spare: int = 2
    """Cores to have for each busy one: for peaks, for a backlog, for a process that is away."""
    least: int = 2
    """Processes of each kind: one may go."""
    server_cores: int = 16
    """Of one ClickHouse server."""
    days: int = 30
    """`retention_days` of the projects."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a load needs. Cores are busy ones; processes have one core each."""

    logs: int
    gateway_cores: float
    gateways: int
    writer_cores: float
    writers: int
    partitions: int
    batch_age_s: float
    inserts: float
    """A second, over all shards."""
    blocks: int
    """That the table `logs` takes in each shard while a batch may still be sent again: its window must be larger."""
    held_bytes: int
    """`SLUICE_WRITER_HELD_BYTES`."""
    server_cores: float
    shards: int
    topic_bytes: int
    """A day, of each copy."""
    disk_bytes: int
    """For all days, of each replica, over all shards."""


def plan(logs: int, figures: Figures = Figures(), choices: Choices = Choices()) -> Plan:  # noqa: B008 - frozen
    """What `logs` a second need. Pure."""
    gateway, writer = logs / figures.gateway_logs, logs / figures.writer_rows
    server = logs * figures.server_us / 1e6
    writers = max(choices.least, ceil(writer * choices.spare))
    shards = ceil(server * choices.spare / choices.server_cores)
    partitions = ceil(4 * writers / shards) * shards  # the same number of lanes on each shard
    age = 0.5 if writers <= choices.least else 2.0
    return Plan(
        logs=logs,
        gateway_cores=gateway,
        gateways=max(choices.least, ceil(gateway * choices.spare)),
        writer_cores=writer,
        writers=writers,
        partitions=partitions,
        batch_age_s=age,
        inserts=partitions / age,
        blocks=_blocks(partitions, age, shards),
        held_bytes=max(Writer().held_bytes, ceil(2 * age * figures.message_bytes * logs / writers)),
        server_cores=server,
        shards=shards,
        topic_bytes=figures.packed_bytes * logs * _DAY_S,
        disk_bytes=figures.disk_bytes * logs * _DAY_S * choices.days,
    )


def _blocks(partitions: int, batch_age_s: float, shards: int) -> int:
    windows = TokenWindows(load(), Writer(batch_age_s=batch_age_s), Partitions("4"), {"logs": partitions})
    return windows.needed("logs", shards)


def table(loads: tuple[int, ...] = LOADS) -> str:
    """The sizing table, in Markdown."""
    head = (
        "logs a second | gateways (busy cores) | writers (busy cores) | partitions of `logs` | batch age"
        " | inserts a second | blocks | held, MB | ClickHouse: busy cores | shards | disk, 30 days | topic, a day"
    )
    lines = [head, " | ".join(["---"] * (head.count("|") + 1)), *map(_line, map(plan, loads))]
    return "".join(f"| {line} |\n" for line in lines)


def _line(made: Plan) -> str:
    cells = (
        f"{made.logs:,}",
        f"{made.gateways} ({made.gateway_cores:.2g})",
        f"{made.writers} ({made.writer_cores:.2g})",
        f"{made.partitions}",
        f"{made.batch_age_s:g} s",
        f"{made.inserts:.0f}",
        f"{made.blocks:,}",
        f"{ceil(made.held_bytes / 1e6)}",
        f"{made.server_cores:.2g}",
        f"{made.shards}",
        _size(made.disk_bytes),
        _size(made.topic_bytes),
    )
    return " | ".join(cells)


def _size(count: int) -> str:
    return f"{count / 1e9:,.0f} GB" if count < 1e12 else f"{count / 1e12:,.1f} TB"


if __name__ == "__main__":
    sys.stdout.write(table(tuple(map(int, sys.argv[1:])) or LOADS))
