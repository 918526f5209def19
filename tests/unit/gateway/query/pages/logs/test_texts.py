"""Small texts of the pages of logs: patterns, times, columns."""

from typing import Any

import pytest

from gateway.query.pages.logs.changes import times_of
from gateway.query.pages.logs.choices import MAX_COLUMNS, MAX_FIELDS, can_be_word, parse_choices
from gateway.query.pages.logs.offered import MAX_OFFERED, USUAL, offered_columns
from gateway.query.pages.logs.pattern_text import pattern_pieces
from gateway.query.pages.stored_log import StoredLog
from gateway.query.pages.text import Piece
from gateway.query.pages.times import offset
from gateway.query.parameters import Parameters
from gateway.query.refusals import BadQuery


def log(**columns: Any) -> StoredLog:
    return StoredLog("ref", 0, 0, columns)


def test_what_varies_stands_out_and_what_was_sought_is_marked() -> None:
    assert pattern_pieces("quote * in *ms", ["quote"]) == [
        Piece("quote", "hit"),
        Piece(" "),
        Piece("*", "var"),
        Piece(" in "),
        Piece("*", "var"),
        Piece("ms"),
    ]
    assert pattern_pieces("\x1b[31m*\x1b[0m")[0] == Piece("*", "a-1")


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "same time"),
        (-400, "-400 µs"),
        (120_000, "+0.120 s"),
        (-243_000_000, "-4 m 03 s"),
        (3_723_000_000, "+1 h 02 m"),
    ],
)
def test_how_long_before_or_after(us: int, text: str) -> None:
    assert offset(us) == text


@pytest.mark.parametrize(("factor", "text"), [(None, ""), (0.0, ""), (4.21, "4.2 ×"), (0.2, "1/5.0")])
def test_how_many_times_as_frequent(factor: float | None, text: str) -> None:
    assert times_of(factor) == text


def test_a_cell_is_a_column_or_an_attribute_by_key_or_path() -> None:
    stored = log(user_id="u", line_number=None, attributes={"a.b": 1, "a": {"b": 2, "c": [True]}, "n": None})
    names = ("user_id", "line_number", "attr.a.b", "attr.a.c", "attr.n", "attr.a.x", "attr.user_id")
    assert [stored.cell(name) for name in names] == ["u", "", "1", "[true]", "", "", ""]
    assert log(attributes=None).cell("attr.x") == ""


def test_columns_that_are_offered_begin_with_the_usual_ones_and_common_keys() -> None:
    logs = [log(attributes={"common": 1, "with, comma": 1, f"rare{n}": 1}) for n in range(100)]
    offered = offered_columns(logs, ["release", "attr.rare0"])
    assert offered[: len(USUAL)] == [*(name for name in USUAL if name != "release"), "attr.common"]
    assert len(offered) == MAX_OFFERED
    assert not {"release", "attr.rare0", "attr.with, comma"} & set(offered)


def test_choices_are_bounded_and_known() -> None:
    given = Parameters([("columns", ",".join(f"attr.{n}" for n in range(50))), ("fields", "attr.x,user")])
    choices = parse_choices(given)
    given.finish()
    assert len(choices.columns) == MAX_COLUMNS
    assert choices.fields == ("attr.x", "user")
    assert MAX_FIELDS + 2 <= 10
    for name in ("columns", "fields"):
        unknown = Parameters([(name, "password")])
        parse_choices(unknown)
        with pytest.raises(BadQuery):
            unknown.finish()


@pytest.mark.parametrize(("name", "can"), [("a.b", True), ("a,b", False), (" a", False), ("x" * 201, False)])
def test_names_that_a_list_with_commas_can_hold(name: str, can: bool) -> None:
    assert can_be_word(name) is can
