"""Which tables are fit to be written to."""

import pytest

from shared.signals.logs import LOGS
from writer.tables import TableFacts, UnfitTable, check_table


def facts(engine: str = "MergeTree", window: int = 10_000, columns: tuple[str, ...] = LOGS.column_names) -> TableFacts:
    return TableFacts("sluice.logs", engine, window, frozenset(columns))


def test_a_table_with_columns_and_a_window_is_fit() -> None:
    check_table(LOGS, facts())
    check_table(LOGS, facts("ReplicatedMergeTree", columns=(*LOGS.column_names, "further")))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (facts(window=0), "remembers no inserts .* `sluice migrate`"),
        (facts(columns=LOGS.column_names[1:]), "has no column project_id: run `sluice migrate`"),
        (facts(engine="Memory"), "engine Memory"),
    ],
)
def test_a_table_that_would_lose_or_double_rows_is_unfit(found: TableFacts, says: str) -> None:
    with pytest.raises(UnfitTable, match=says):
        check_table(LOGS, found)
