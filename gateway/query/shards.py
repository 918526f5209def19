"""Statements over a cluster of which a shard may be away (reading.md, "While a shard is away")."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from shared.clients.clickhouse import ClickHouse, ServerError

REMEMBERED_S = 5.0
"""How long a shard counts as away without another try: each costs what a dead host takes to be given up."""

_UNREACHABLE = 279
_LEFT_OUT: Mapping[str, Any] = {"skip_unavailable_shards": 1, "connections_with_failover_max_tries": 1}

Rows = list[tuple[Any, ...]]


class Shards:
    """Asks without the shards that are away, and says which. An answer that lacks none was asked of all of them."""

    def __init__(self, cluster: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`cluster`: '' to ask of all shards always."""
        self._cluster = cluster
        self._monotonic = monotonic
        self._away: set[int] = set()
        self._until = 0.0

    def query(
        self,
        clickhouse: ClickHouse,
        sql: str,
        parameters: Mapping[str, Any],
        settings: Mapping[str, Any] | None,
        missing: set[int] | None,
    ) -> Rows:
        """Rows; `missing`: where the shards go that they lack, None where they may lack none. Raises
        `ClickHouseError`."""
        if missing is None or not self._cluster:
            return clickhouse.query(sql, parameters, settings)
        if self._monotonic() >= self._until:
            try:
                return clickhouse.query(sql, parameters, settings)
            except ServerError as error:
                if error.code != _UNREACHABLE or not (away := self._look(clickhouse)):
                    raise
                self._away, self._until = away, self._monotonic() + REMEMBERED_S
        missing |= self._away
        return clickhouse.query(sql, parameters, {**(settings or {}), **_LEFT_OUT})

    def _look(self, clickhouse: ClickHouse) -> set[int]:
        """The shards no replica of which could be reached, by the server that asked."""
        rows = clickhouse.query(
            "SELECT shard_num FROM system.clusters WHERE cluster = %(cluster)s"
            " GROUP BY shard_num HAVING min(errors_count) > 0",
            {"cluster": self._cluster},
        )
        return {int(shard) for (shard,) in rows}
