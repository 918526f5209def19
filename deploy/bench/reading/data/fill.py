"""Fills the tables, and waits until the server has merged them."""

from collections.abc import Callable
from time import monotonic, sleep

from deploy.bench.jobs import JobFailed
from deploy.bench.reading.data.errors import errors
from deploy.bench.reading.data.llm_calls import llm_calls
from deploy.bench.reading.data.logs import logs
from deploy.bench.reading.data.made import Made
from deploy.bench.reading.data.spans import spans, wide_trace
from deploy.bench.reading.data.week import Week
from shared.clients.clickhouse import ClickHouse

ROWS_AN_INSERT = 250_000
"""About what a writer's batches come to after their first merge."""
_MERGES_S = 300.0
_QUIET_S = 1.0
"""Without a merge for so long none comes soon."""
_SETTINGS = {"max_insert_threads": 2, "min_insert_block_size_rows": ROWS_AN_INSERT}


def fill(clickhouse: ClickHouse, week: Week, step: Callable[[str], None]) -> None:
    """All rows of the week. Raises `JobFailed` where one is missing. `step` is called once a table and once more."""
    for made in (logs(week), errors(week), spans(week), llm_calls(week)):
        step(f"{made.rows:,} rows of {made.table}")
        _add(clickhouse, made)
        _check(clickhouse, made)
    _add(clickhouse, wide_trace(week))
    step("the server merges them")
    _wait_for_merges(clickhouse)


def _add(clickhouse: ClickHouse, made: Made) -> None:
    for first in range(0, made.rows, ROWS_AN_INSERT):
        clickhouse.query(made.insert(first, min(ROWS_AN_INSERT, made.rows - first)), settings=_SETTINGS)


def _check(clickhouse: ClickHouse, made: Made) -> None:
    ((there,),) = clickhouse.query(f"SELECT count() FROM {made.table}")  # noqa: S608 - ours
    if there != made.rows:
        raise JobFailed(f"{made.rows:,} rows were made for {made.table}, it holds {there:,}")


def _wait_for_merges(clickhouse: ClickHouse) -> None:
    """Until nothing is merged any more (bounded)."""
    began = quiet_since = monotonic()
    while monotonic() < min(quiet_since + _QUIET_S, began + _MERGES_S):
        if clickhouse.query("SELECT count() FROM system.merges WHERE database = currentDatabase()")[0][0]:
            quiet_since = monotonic()
        sleep(0.2)
