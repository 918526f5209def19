"""What a table is like, as the system tables of ClickHouse say it."""

from collections.abc import Mapping

from shared.clients.clickhouse import ClickHouse
from shared.migrations.plan import ColumnShape, Shape, settings_of, ttl_of

_REPLICATED_IN_CLOUD = {"SharedMergeTree": "ReplicatedMergeTree"}
"""What ClickHouse Cloud makes of the other one."""


def describe(server: ClickHouse, database: str, name: str) -> Shape | None:
    """The shape of a table; None for no such table. Raises `ClickHouseError`."""
    of = {"database": database, "table": name}
    found = server.query(
        "SELECT engine, partition_key, primary_key, sorting_key, engine_full FROM system.tables"
        " WHERE database = %(database)s AND name = %(table)s",
        of,
    )
    if not found:
        return None
    engine, partition_key, primary_key, sorting_key, engine_full = found[0]
    return Shape(
        engine=_REPLICATED_IN_CLOUD.get(engine, engine),
        partition_key=partition_key,
        primary_key=primary_key,
        sorting_key=sorting_key,
        ttl=ttl_of(engine_full),
        columns=columns_of(server, database, name),
        indexes=_named(
            server,
            "SELECT name, concat(expr, ' TYPE ', type_full, ' GRANULARITY ', toString(granularity))"
            " FROM system.data_skipping_indices",
            of,
        ),
        projections=_named(server, "SELECT name, concat('(', query, ')') FROM system.projections", of),
        settings=settings_of(engine_full),
    )


def columns_of(server: ClickHouse, database: str, name: str) -> dict[str, ColumnShape]:
    """The columns of a table in their order; none for no such table. Raises `ClickHouseError`."""
    rows = server.query(
        "SELECT name, type, compression_codec, trim(concat(default_kind, ' ', default_expression))"
        " FROM system.columns WHERE database = %(database)s AND table = %(table)s ORDER BY position",
        {"database": database, "table": name},
    )
    return {column: ColumnShape(kind, codec, default) for column, kind, codec, default in rows}


def _named(server: ClickHouse, select: str, of: Mapping[str, str]) -> dict[str, str]:
    return dict(server.query(f"{select} WHERE database = %(database)s AND table = %(table)s", of))
