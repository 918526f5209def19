"""The statements that make and change the tables of ClickHouse, on one server or on a cluster."""

from dataclasses import replace

from shared.settings import Storage
from shared.signals.base import Table, create_table

SHARDING_KEY = "_partition + cityHash64(_topic)"
"""Spreads a Distributed table's rows by lane: a batch goes to one shard, always the same one, and a shard that is away
stops its own lanes only (storage.md, "Several servers")."""


def create_statements(table: Table, database: str, storage: Storage) -> list[str]:
    """The CREATE statements of a table: itself, and on a cluster the Distributed one that has its name."""
    if not storage.cluster:
        return [create_table(table, database, engine_of(table, storage))]
    local = replace(table, name=stored_in(table, storage))
    return [
        create_table(local, database, engine_of(local, storage), storage.cluster),
        create_distributed(table.name, database, storage.cluster, on_cluster=True),
    ]


def engine_of(table: Table, storage: Storage) -> str:
    """The engine of a table that holds rows, as CREATE TABLE names it (storage.md, "Replicated tables")."""
    if not storage.is_replicated or not storage.path:
        return storage.engine
    return f"{storage.engine}('{storage.path.replace('{table}', table.name)}', '{{replica}}')"


def create_distributed(
    name: str, database: str, cluster: str, *, on_cluster: bool = False, replace: bool = False
) -> str:
    """The CREATE statement of a table over the local ones. `replace`: in place of another, at once."""
    create = "CREATE OR REPLACE TABLE" if replace else "CREATE TABLE IF NOT EXISTS"
    everywhere = f" ON CLUSTER '{cluster}'" if on_cluster else ""
    return (
        f"{create} `{database}`.`{name}`{everywhere} AS `{database}`.`{local_name(name)}`\n"
        f"ENGINE = {distributed_engine(name, database, cluster)}"
    )


def distributed_engine(name: str, database: str, cluster: str) -> str:
    """As ClickHouse itself writes it down."""
    return f"Distributed('{cluster}', '{database}', '{local_name(name)}', {SHARDING_KEY})"


def local_name(name: str) -> str:
    return f"{name}_local"


def stored_in(table: Table, storage: Storage) -> str:
    """The table that holds the rows: on a cluster the public name is the Distributed table's."""
    return local_name(table.name) if storage.cluster else table.name


def alter_statements(alter: str, table: Table, database: str, storage: Storage, *, of_columns: bool) -> list[str]:
    """An ALTER of a table; one that concerns columns goes to the Distributed table too."""
    on_cluster = f" ON CLUSTER '{storage.cluster}'" if storage.cluster else ""
    names = [stored_in(table, storage), *([table.name] if storage.cluster and of_columns else [])]
    return [f"ALTER TABLE `{database}`.`{name}`{on_cluster} {alter}" for name in names]
