"""Which tables are fit to be written to."""

from collections.abc import Mapping

import pytest

from shared.signals.logs import LOGS
from writer.tables import TableFacts, UnfitTable, check_table

COLUMNS = {column.name: column.type for column in LOGS.columns}


def facts(engine: str = "MergeTree", window: int = 10_000, columns: Mapping[str, str] = COLUMNS) -> TableFacts:
    return TableFacts("sluice.logs", engine, window, columns)


def test_a_table_with_columns_and_a_window_is_fit() -> None:
    check_table(LOGS, facts())
    check_table(LOGS, facts("ReplicatedMergeTree", columns={**COLUMNS, "further": "UUID"}))
    check_table(LOGS, facts("SharedMergeTree"))  # ClickHouse Cloud's


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (facts(window=0), "remembers no inserts .* `sluice migrate`"),
        (facts(columns={"level": COLUMNS["level"]}), "has no column project_id, .*: run `sluice migrate`"),
        (
            facts(columns=COLUMNS | {"level": "String"}),
            r"column level .* is String, it must be LowCardinality\(String\)",
        ),
        (facts(engine="Memory"), "engine Memory"),
    ],
)
def test_a_table_that_would_lose_or_double_rows_is_unfit(found: TableFacts, says: str) -> None:
    with pytest.raises(UnfitTable, match=says):
        check_table(LOGS, found)
