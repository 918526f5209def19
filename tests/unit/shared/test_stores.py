"""Where each signal is stored, as those that count them need it."""

from dataclasses import replace

from shared.registry import Registry, load


def test_each_table_is_counted_once_under_its_own_signal() -> None:
    assert load().stores == {"errors": "errors", "llm": "llm_calls", "logs": "logs", "traces": "spans"}


def test_a_table_without_a_signal_of_its_name_goes_by_one_that_it_has() -> None:
    signals = load().signals
    table = replace(signals["logs"].table, name="entries")
    moved = {name: replace(signals[name], table=table) for name in ("drain", "logs")}
    assert list(Registry(moved, {}).stores.values()) == ["entries"]
