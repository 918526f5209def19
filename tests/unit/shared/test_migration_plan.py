"""Which ALTERs lead from a table that is there to the one that is wanted."""

from dataclasses import replace

import pytest

from shared.migrations.plan import ColumnShape, Derived, Shape, Step, plan, settings_of, ttl_of

WANTED = Shape(
    engine="MergeTree",
    partition_key="toDate(t)",
    primary_key="p, t",
    sorting_key="p, t, i",
    ttl="toDateTime(t) + toIntervalDay(30)",
    columns={"p": ColumnShape("String", "CODEC(ZSTD(1))"), "t": ColumnShape("DateTime", "")},
    indexes={"trace": "p TYPE bloom_filter(0.01) GRANULARITY 1"},
    projections={"by_hour": "(SELECT p, count() GROUP BY p)"},
    settings={"non_replicated_deduplication_window": "10000", "fsync_after_insert": "0"},
)

NOTHING = Derived()


def steps(there: Shape, derived: Derived = NOTHING) -> list[Step]:
    found = plan("logs", there, WANTED, derived)
    assert found.conflicts == []
    return found.steps


def test_a_table_that_is_as_wanted_needs_nothing() -> None:
    assert plan("logs", WANTED, WANTED, NOTHING) == ([], [])


def test_missing_columns_are_added_in_their_place() -> None:
    assert [step.alter for step in steps(replace(WANTED, columns={"t": WANTED.columns["t"]}))] == [
        "ADD COLUMN IF NOT EXISTS `p` String CODEC(ZSTD(1)) FIRST"
    ]
    (step,) = steps(replace(WANTED, columns={"p": WANTED.columns["p"]}))
    assert step.alter == "ADD COLUMN IF NOT EXISTS `t` DateTime AFTER `p`"
    assert step.of_columns
    assert not step.destructive


def test_a_missing_index_and_projection_are_added_and_built_at_once() -> None:
    index, projection = steps(replace(WANTED, indexes={}, projections={}))
    assert index.alter == (
        "ADD INDEX IF NOT EXISTS `trace` p TYPE bloom_filter(0.01) GRANULARITY 1, MATERIALIZE INDEX `trace`"
    )
    assert projection.alter == (
        "ADD PROJECTION IF NOT EXISTS `by_hour` (SELECT p, count() GROUP BY p), MATERIALIZE PROJECTION `by_hour`"
    )
    assert not index.destructive
    assert not projection.destructive


def test_what_takes_something_away_is_marked() -> None:
    there = replace(
        WANTED,
        columns={**WANTED.columns, "old": ColumnShape("UInt8", "")},
        indexes={"trace": "p TYPE minmax GRANULARITY 1", "old_index": "t TYPE minmax GRANULARITY 1"},
        projections={**WANTED.projections, "old_rollup": "(SELECT count())"},
        ttl="toDateTime(t) + toIntervalDay(90)",
    )
    found = steps(there)
    assert [step.alter for step in found] == [
        "DROP COLUMN `old`",
        "DROP INDEX `trace`",
        "ADD INDEX IF NOT EXISTS `trace` p TYPE bloom_filter(0.01) GRANULARITY 1, MATERIALIZE INDEX `trace`",
        "DROP INDEX `old_index`",
        "DROP PROJECTION `old_rollup`",
        "MODIFY TTL toDateTime(t) + toIntervalDay(30)",
    ]
    assert all(step.destructive for step in found)


def test_a_column_that_is_computed_where_it_is_read_is_added_and_changed() -> None:
    computed = replace(WANTED, columns={**WANTED.columns, "c": ColumnShape("String", "", "ALIAS lower(p)")})
    for there, alter in (
        (WANTED.columns, "ADD COLUMN IF NOT EXISTS `c` String ALIAS lower(p) AFTER `t`"),
        ({**WANTED.columns, "c": ColumnShape("String", "", "ALIAS p")}, "MODIFY COLUMN `c` String ALIAS lower(p)"),
    ):
        (step,) = plan("logs", replace(WANTED, columns=there), computed, NOTHING).steps
        assert (step.alter, step.of_columns, step.destructive) == (alter, True, False)


def test_what_was_derived_goes_without_being_called_destructive() -> None:
    there = replace(
        WANTED,
        indexes={**WANTED.indexes, "search_words": "t TYPE minmax GRANULARITY 1"},
        projections={**WANTED.projections, "by_day": "(SELECT count())"},
    )
    index, projection = steps(there, Derived(retired={"by_day": "by_hour"}, optional=frozenset({"search_words"})))
    assert (index.alter, index.destructive, index.after) == ("DROP INDEX `search_words`", False, "")
    assert (projection.alter, projection.destructive, projection.after) == (
        "DROP PROJECTION `by_day`",
        False,
        "by_hour",
    )


def test_a_projection_that_nothing_builds_any_more_is_gone_on_with() -> None:
    (step,) = steps(WANTED, Derived(unbuilt=frozenset({"by_hour"})))
    assert (step.alter, step.destructive) == ("MATERIALIZE PROJECTION `by_hour`", False)


@pytest.mark.parametrize(
    ("there", "alters"),
    [
        ({}, ["MODIFY SETTING non_replicated_deduplication_window = 10000"]),
        (
            {"non_replicated_deduplication_window": "100"},
            ["MODIFY SETTING non_replicated_deduplication_window = 10000"],
        ),
        ({"non_replicated_deduplication_window": "50000", "index_granularity": "8192"}, []),
        (
            {"non_replicated_deduplication_window": "10000", "fsync_after_insert": "1"},
            ["MODIFY SETTING fsync_after_insert = 0"],
        ),
    ],
)
def test_settings_are_set_but_a_larger_window_stays(there: dict[str, str], alters: list[str]) -> None:
    assert [step.alter for step in steps(replace(WANTED, settings=there))] == alters


def test_another_type_or_key_is_a_conflict_that_names_it() -> None:
    there = replace(
        WANTED,
        engine="ReplicatedMergeTree",
        sorting_key="t",
        columns={**WANTED.columns, "t": ColumnShape("Date", "")},
    )
    engine, key, column = plan("logs", there, WANTED, NOTHING).conflicts
    assert "table logs: its engine is ReplicatedMergeTree, it must be MergeTree" in engine
    assert "its sorting key is t, it must be p, t, i" in key
    assert "column t is Date, it must be DateTime" in column


def test_a_conflict_of_a_replicated_table_says_that_its_place_is_taken() -> None:
    wanted = replace(WANTED, engine="ReplicatedMergeTree")
    (conflict,) = plan("logs", replace(wanted, sorting_key="t"), wanted, NOTHING).conflicts
    assert "under another SLUICE_CLICKHOUSE_PATH" in conflict


def test_settings_and_ttl_are_read_out_of_the_engines_text() -> None:
    full = (
        "MergeTree PARTITION BY toDate(t) ORDER BY t TTL toDateTime(t) + toIntervalDay(30)"
        " SETTINGS ttl_only_drop_parts = 1, mode = 'a, b = \\'c\\'', index_granularity = 8192"
    )
    assert ttl_of(full) == "toDateTime(t) + toIntervalDay(30)"
    assert settings_of(full) == {
        "ttl_only_drop_parts": "1",
        "mode": "'a, b = \\'c\\''",
        "index_granularity": "8192",
    }
    assert ttl_of("MergeTree ORDER BY t") == ""
    assert settings_of("MergeTree ORDER BY t") == {}
