"""What a signal is: a kind of data with its own topic, dead-letter topic and ClickHouse table.

A column is written down once, in its signal's file; the DDL, the insert, the migration and the query's allow-list
follow from it. Nothing here does I/O.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

RETENTION_DAYS = (7, 30, 90, 365, 3650)
"""The retentions a project may have, days. Few, because each makes ClickHouse table partitions of its own
(storage.md, "Partitions and retention")."""

MONTHLY_OVER_DAYS = 90
"""Rows that stay longer than this are partitioned by month of arrival, the others by day."""

DEDUPLICATION_WINDOW = 10_000
"""How many inserted blocks a table remembers by token, at least. 0, ClickHouse's default, would make tokens useless
(delivery.md, "What ClickHouse needs")."""

PARTITION_BY = (
    f"(retention_days, if(retention_days > {MONTHLY_OVER_DAYS}, toStartOfMonth(received_at), toDate(received_at)))"
)

US_PER_DAY = 86_400_000_000

TIME = "DateTime64(6, 'UTC')"
"""Microseconds since the epoch, as a scaled int (a datetime would cost ten times as much)."""

LOW = "LowCardinality(String)"

LOW_LIMIT = 256
"""Characters kept in a low-cardinality column."""

RESOURCE_LIMIT = 16_000
"""Characters kept of the JSON text of a resource."""

ID_LIMIT = 512
"""Characters kept in the column of an id."""


OVERFLOW = ".overflow"
"""Ends the name of a signal's other topic, and of its group."""


def low(name: str, help: str) -> "Column":
    """A text column with few distinct values: a name, a version, an enum."""
    return Column(name, LOW, help, limit=LOW_LIMIT)


def identifier(name: str, help: str) -> "Column":
    """A column of short texts with many distinct values."""
    return Column(name, "String", help, limit=ID_LIMIT)


@dataclass(frozen=True)
class Column:
    """One column: its name (public, people query it), its ClickHouse type, what it holds, and its codec.

    `limit`: characters kept of longer text, which goes whole to the row's `extra` (contracts.md, "Numbers and text").
    """

    name: str
    type: str
    help: str
    codec: str = "ZSTD(1)"
    limit: int | None = None

    @property
    def default(self) -> str | int | float:
        """What a row holds if its format has no such field: '' for text, 0 for numbers and times."""
        if self.type.startswith("Float"):
            return 0.0
        return "" if "String" in self.type else 0

    @property
    def ddl(self) -> str:
        return f"`{self.name}` {self.type} CODEC({self.codec})"


@dataclass(frozen=True)
class Alias:
    """A column that is computed where it is read: no row holds it and no insert names it.

    Its expression has no lambda and no comparison with '': then the planner finds a rollup by it.
    """

    name: str
    type: str
    expression: str
    help: str

    @property
    def ddl(self) -> str:
        return f"`{self.name}` {self.type} ALIAS {self.expression}"


@dataclass(frozen=True)
class Index:
    """A data-skipping index."""

    name: str
    expression: str
    type: str
    granularity: int = 1

    @property
    def ddl(self) -> str:
        return f"INDEX {self.name} {self.expression} TYPE {self.type} GRANULARITY {self.granularity}"


@dataclass(frozen=True)
class Rollup:
    """An aggregating projection: it lives in the parts of its rows, so no retry, delete or replay can make it disagree.

    `question` is a query over the table (`{table}`) that the planner answers from the rollup; a test shows it with
    EXPLAIN. A rollup that no question reads must not exist.
    """

    name: str
    select: str
    question: str

    @property
    def ddl(self) -> str:
        return f"PROJECTION {self.name} ({self.select})"


@dataclass(frozen=True)
class Retired:
    """A rollup of former versions. A migration drops it once `successor` is built for every part."""

    name: str
    successor: str


@dataclass(frozen=True)
class Table:
    """One ClickHouse table: the common columns, then its own."""

    name: str
    own_columns: tuple[Column, ...]
    rollups: tuple[Rollup, ...] = ()
    indexes: tuple[Index, ...] = ()
    aliases: tuple[Alias, ...] = ()
    search_indexes: Mapping[str, Index] = field(default_factory=dict, hash=False)
    """What `SLUICE_SEARCH_INDEX` may name -> the index that it adds."""
    retired: tuple[Retired, ...] = ()
    window: int = DEDUPLICATION_WINDOW
    """How many inserted blocks it remembers by token."""

    @property
    def columns(self) -> tuple[Column, ...]:
        return COMMON_COLUMNS + self.own_columns + IDENTITY_COLUMNS

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def all_rollups(self) -> tuple[Rollup, ...]:
        return (*self.rollups, LANES)

    @property
    def all_retired(self) -> tuple[Retired, ...]:
        return (*self.retired, *COMMON_RETIRED)

    @property
    def all_indexes(self) -> tuple[Index, ...]:
        return (*COMMON_INDEXES, *self.indexes)

    def searched_by(self, choice: str) -> "Table":
        """The same with the index that `SLUICE_SEARCH_INDEX` names, if this table has such a one."""
        added = (self.search_indexes[choice],) if choice in self.search_indexes else ()
        return replace(self, indexes=(*self.indexes, *added))

    def remembering(self, blocks: int) -> "Table":
        """The same with a window of so many blocks, if that is more."""
        return replace(self, window=max(self.window, blocks))


@dataclass(frozen=True)
class Signal:
    """A kind of data. Its topic is its name; several signals may share a table (`drain` is stored in `logs`).

    `topic_prefix` is the setting `SLUICE_TOPICS_PREFIX`, put in by the registry. `is_overflow`: the same signal with
    its other topic, which projects take that send very much (delivery.md, "The overflow topics").
    """

    name: str
    table: Table
    topic_prefix: str = ""
    is_overflow: bool = False

    @property
    def overflow(self) -> "Signal":
        """This signal with its overflow topic."""
        return replace(self, is_overflow=True)

    @property
    def full_name(self) -> str:
        """Its topic's name without the prefix."""
        return self.name + OVERFLOW if self.is_overflow else self.name

    @property
    def topic(self) -> str:
        return self.topic_prefix + self.full_name

    @property
    def dead_letter_topic(self) -> str:
        return f"{self.topic}.dlq"


COMMON_COLUMNS = (
    Column("project_id", LOW, "The project whose key sent the record."),
    Column("timestamp", TIME, "When it happened, as the client says; UTC, microseconds.", "Delta, ZSTD(1)"),
    Column("received_at", TIME, "When the gateway took the request; retention counts from here.", "Delta, ZSTD(1)"),
    low("service", "The service that sent it."),
    low("environment", "production, staging ..."),
    low("release", "Release version or commit."),
    identifier("trace_id", "Trace that it belongs to; '' for none."),
)

IDENTITY_COLUMNS = (
    Column("extra", "String", "JSON object of what Sluice added or cut; '' for nothing."),
    Column("retention_days", "UInt16", "How long the row is kept, days after received_at."),
    Column("_topic", LOW, "Topic of the message that held the record."),
    Column("_partition", "UInt32", "Its partition.", "Delta, ZSTD(1)"),
    Column("_offset", "UInt64", "Its offset.", "Delta, ZSTD(1)"),
    Column("_index", "UInt32", "The record's place in the message, from 0.", "Delta, ZSTD(1)"),
)
"""With `received_at`, `_topic`, `_partition`, `_offset` and `_index` are a row's identity (delivery.md, "Identity")."""

COMMON_INDEXES = (
    Index("offset_range", "_offset", "minmax"),
    Index("arrival_range", "received_at", "minmax"),
    Index("trace", "trace_id", "bloom_filter(0.01)"),
)

_LANES = "project_id, toStartOfHour(received_at), _topic, _partition"
_SUMS = "count(), sum(_offset), sum(_index), min(_offset), max(_offset)"

LANES = Rollup(
    name="lanes_by_hour",
    select=f"SELECT {_LANES}, {_SUMS} GROUP BY {_LANES}",
    question=f"SELECT {_LANES}, {_SUMS} FROM {{table}} WHERE project_id = 'p' GROUP BY {_LANES}",  # noqa: S608 - ours
)
"""What each lane has brought to a project, and with coarser questions its usage. The sums tell whether rows are missing
or repeated; they wrap at 2^64 (storage.md, "Rollups are aggregating projections")."""

COMMON_RETIRED = (Retired("usage_by_hour", LANES.name),)

ORDER_BY = ("project_id", "timestamp", "received_at", "_partition", "_offset", "_index")
PRIMARY_KEY = ("project_id", "timestamp")


def create_table(table: Table, database: str, engine: str = "MergeTree", cluster: str | None = None) -> str:
    """The CREATE TABLE statement of a table (IF NOT EXISTS). `engine`: with its arguments, if it has any."""
    parts: Iterable[str] = (
        *(column.ddl for column in table.columns),
        *(alias.ddl for alias in table.aliases),
        *(index.ddl for index in table.all_indexes),
        *(rollup.ddl for rollup in table.all_rollups),
    )
    on_cluster = f" ON CLUSTER '{cluster}'" if cluster else ""
    body = ",\n    ".join(parts)
    settings = ",\n    ".join(f"{name} = {value}" for name, value in table_settings(table.window, engine).items())
    return (
        f"CREATE TABLE IF NOT EXISTS `{database}`.`{table.name}`{on_cluster} (\n    {body}\n)\n"
        f"ENGINE = {engine}\n"
        f"PARTITION BY {PARTITION_BY}\n"
        f"PRIMARY KEY ({', '.join(PRIMARY_KEY)})\n"
        f"ORDER BY ({', '.join(ORDER_BY)})\n"
        f"TTL toDateTime(received_at) + toIntervalDay(retention_days)\n"
        f"SETTINGS\n    {settings}"
    )


def table_settings(window: int, engine: str = "MergeTree") -> dict[str, str]:
    """The settings every table must have; the writer refuses to run without the window."""
    common = {
        "ttl_only_drop_parts": "1",
        "lightweight_mutation_projection_mode": "'rebuild'",
    }
    if not engine.startswith("Replicated"):
        return {"non_replicated_deduplication_window": str(window), **common}
    return {
        "replicated_deduplication_window": str(window),
        "replicated_deduplication_window_seconds": str(7 * 24 * 3600),
        **common,
    }


def partition_key(received_at_us: int, retention_days: int) -> tuple[int, int]:
    """The ClickHouse table partition a row goes to: what `PARTITION_BY` computes, so that a batch can be sealed by it.

    Returns (retention_days, day or month), the second as days since the epoch or `year * 12 + month`, negative.
    """
    if retention_days <= MONTHLY_OVER_DAYS:
        return retention_days, received_at_us // US_PER_DAY
    when = datetime.fromtimestamp(received_at_us // 1_000_000, UTC)
    return retention_days, -(when.year * 12 + when.month)
