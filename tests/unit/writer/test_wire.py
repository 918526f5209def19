"""Encoded columns are byte for byte what clickhouse-driver makes of the same values."""

from collections.abc import Sequence
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.bufferedwriter import BufferedSocketWriter
from clickhouse_driver.columns.service import write_column
from hypothesis import given
from hypothesis import strategies as st

from shared.signals.base import TIME, Column, Table
from tests.blocks import block_of, values_of
from writer.wire.block import Block, Misfit
from writer.wire.column import Unusual, WireColumn
from writer.wire.low import Low
from writer.wire.number import Number
from writer.wire.text import Text

LOW = "LowCardinality(String)"
TABLE = Table(
    name="things",
    own_columns=(
        Column("text", "String", "", limit=200),
        Column("low", LOW, "", limit=200),
        Column("count", "UInt8", ""),
        Column("moment", TIME, ""),
    ),
)


class Sent:
    """A socket that keeps what is sent."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        self.data += data


def by_driver(type: str, values: Sequence[Any]) -> bytes:
    sent = Sent()
    out = BufferedSocketWriter(sent, 1_000_000)
    write_column(Client("nowhere").connection.context, "column", type, values, out)
    out.flush()
    return sent.data


def encoded(column: WireColumn, *portions: Sequence[Any]) -> bytes:
    for values in portions:
        column.append(column.encode(values), len(values))
    return b"".join(column.wire())


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.sampled_from(
    ["", "x" * 127, "x" * 128, "é" * 64, "\ufffd", "x" * 16_383, "x" * 16_384, "é" * 9_000, "x" * 2_100_000]
)
portions_of_texts = st.lists(st.lists(texts, min_size=1, max_size=5), min_size=1, max_size=4)


@given(portions_of_texts)
def test_texts_are_as_the_driver_writes_them(portions: list[list[str]]) -> None:
    values = [value for portion in portions for value in portion]
    column = Text("String")
    assert encoded(column, *portions) == by_driver("String", values)
    assert column.values == [value.encode() for value in values]
    as_bytes = [[value.encode() if n % 2 else value for n, value in enumerate(portion)] for portion in portions]
    assert encoded(Text("String"), *as_bytes) == by_driver("String", values)


@given(portions_of_texts)
def test_low_columns_are_as_the_driver_writes_them(portions: list[list[str]]) -> None:
    values = [value for portion in portions for value in portion]
    column = Low(LOW)
    assert encoded(column, *portions) == by_driver(LOW, values)
    assert column.values == [value.encode() for value in values]


@pytest.mark.parametrize("different", [1, 2, 127, 128, 254, 255, 256, 257, 65_534, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("portion", [400, 100_000])
def test_numbers_of_low_keys_are_as_wide_as_the_driver_writes_them(different: int, portion: int) -> None:
    values = [f"k{n % different}" for n in range(different + 900)] + ["k0"] * 800
    portions = [values[at : at + portion] for at in range(0, len(values), portion)]
    assert encoded(Low(LOW), *portions) == by_driver(LOW, values)


@pytest.mark.parametrize(
    ("type", "values"),
    [
        ("UInt8", [0, 255]),
        ("UInt16", [0, 65_535]),
        ("UInt32", [0, 2**32 - 1]),
        ("UInt64", [0, 2**64 - 1]),
        ("Int64", [-(2**63), 2**63 - 1]),
        ("Float64", [-0.0, 1e308, 5e-324, 3]),
        (TIME, [-2_208_988_800_000_000, 10_413_791_999_999_999]),
    ],
)
def test_numbers_are_as_the_driver_writes_them(type: str, values: list[Any]) -> None:
    assert encoded(Number(type), values, values[:1]) == by_driver(type, values + values[:1])


GOOD = {"text": ["a", "é"], "low": ["x", "y"], "count": [1, 2], "moment": [5, 6]}


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"text": ["a\0", "b"]}, Unusual),
        ({"text": ["a", "b" * 201]}, Unusual),
        ({"low": ["new", "b\0"]}, Unusual),
        ({"low": ["new", "b" * 201]}, Unusual),
        ({"low": ["new", 5]}, Misfit),
        ({"low": ["new", "\ud800"]}, Misfit),
        ({"text": ["a", "\udc00"]}, Misfit),
        ({"count": [1, 256]}, Misfit),
        ({"moment": [1, 2.5]}, Misfit),
        ({"moment": [1]}, Misfit),
        ({"nobody": [1, 2]}, Misfit),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_what_does_not_fit_leaves_nothing_of_its_rows(
    bad: dict[str, Any], error: type[Exception], before: bool
) -> None:
    block, expected = Block(TABLE), Block(TABLE)
    for each in (block, expected):
        if before:
            each.append({"low": ["x"], "count": [9]}, 1)
    with pytest.raises(error):
        block.append({**GOOD, "low": ["new", "newer"]} | bad, 2)
    for each in (block, expected):
        each.append(dict(GOOD), 2)
    assert block.rows == expected.rows
    assert list(block.columns) == list(expected.columns)
    for made, wanted in zip(block.columns.values(), expected.columns.values(), strict=True):
        assert b"".join(made.wire()) == b"".join(wanted.wire())


def test_a_column_that_comes_late_or_not_always_has_defaults_in_the_other_rows() -> None:
    block = Block(TABLE)
    block.append({"count": [1, 2]}, 2)
    block.append({"text": ["a"], "low": ["b"], "moment": [7]}, 1)
    block.append({"count": [0], "low": [""]}, 1)
    assert values_of(block) == {
        "count": [1, 2, 0, 0],
        "text": ["", "", "a", ""],
        "low": ["", "", "b", ""],
        "moment": [0, 0, 7, 0],
    }
    assert block.rows == 4
    assert all(len(column) == 4 for column in block.columns.values())


def test_selected_rows_are_those_rows_in_that_order() -> None:
    long = "é" * 200  # as bytes longer than the limit
    block = block_of(TABLE, {"text": [long, "b", "c"], "low": [long, "b", "b"], "count": [1, 2, 3]})
    picked = block.select([2, 0])
    assert values_of(picked) == {"text": ["c", long], "low": ["b", long], "count": [3, 1]}
    assert picked.rows == 2
