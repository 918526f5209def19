"""Rows of a terminal's table are aligned, and fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gateway.query.commands.table import GAP, LEAST_REST, Cell, Column, Row, Table, cut
from gateway.query.commands.terminal import Terminal
from shared.commands.visible import visible


def terminal(width: int | None) -> Terminal:
    made = Terminal()
    made.width = width
    return made


COLUMNS = [Column("time", 8), Column("n", 6, right=True), Column("message")]
TEXTS = st.text().map(visible)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=5), st.integers(40, 160))
def test_no_line_is_wider_than_the_terminal(texts: list[tuple[str, str, str]], width: int) -> None:
    rows = [Row([Cell(text) for text in row]) for row in texts]
    table = Table(terminal(width), COLUMNS)
    lines = [table.header(rows), *table.lines(rows)]
    assert all(cell_len(line) <= width for line in lines)


def test_columns_are_aligned_in_cells() -> None:
    rows = [Row([Cell("a"), Cell("5"), Cell("x")]), Row([Cell("日本"), Cell("1,000"), Cell("y")])]
    table = Table(terminal(80), COLUMNS)
    assert [table.header(rows), *table.lines(rows)] == [
        "time      n  message",
        "a         5  x",
        "日本  1,000  y",
    ]


def test_a_pipe_gets_everything() -> None:
    long = "x" * 500
    row = Row([Cell(long), Cell("1"), Cell(long)])
    assert list(Table(terminal(None), COLUMNS).lines([row])) == [GAP.join([long, "1", long])]


def test_whole_rows_have_lines_below() -> None:
    row = Row([Cell("t"), Cell("1"), Cell("x" * 100)], ["second"])
    [first, second] = Table(terminal(40), COLUMNS, whole=True).lines([row])
    assert first.endswith("x" * 100)
    assert second == "    second"


def test_a_narrow_terminal_still_has_a_message() -> None:
    row = Row([Cell("12345678"), Cell("123456"), Cell("m" * 50)])
    [line] = Table(terminal(10), COLUMNS).lines([row])
    assert line.endswith("m" * (LEAST_REST - 1) + "…")


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a cd", 3, "a…"),
        ("日本語", 5, "日本…"),
        ("日本語", 6, "日本語"),
        ("e" + "\u0301" * 100, 4, "e" + "\u0301" * 15 + "…"),
    ],
)
def test_a_text_is_cut_where_its_cells_end(text: str, cells: int, shown: str) -> None:
    assert cut(text, cells) == shown
