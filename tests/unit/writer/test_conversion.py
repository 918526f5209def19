"""Odd batches of every format become the same rows and letters as by the plain conversion."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rejections import Rejection
from shared.envelope import VERSION, Stamp, seal, unseal
from shared.fingerprint import CURRENT
from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import JsonArray
from shared.formats.intake import Intake
from shared.letters import raw_bytes
from shared.queue.base import Lane, Message
from shared.signals.base import TIME, Column, Table
from tests.bodies import bodies
from tests.examples import examples
from tests.unit.writer import plain_conversion
from tests.validating import JSON_INTAKES, REGISTRY, Door
from writer import converter
from writer.batch import Batch
from writer.converter import Converter

LANE = Lane("logs", 3)
NOW_US = 1_790_000_000_000_000

many = examples(40)

TABLE = Table(
    name="things",
    own_columns=(
        Column("short", "String", "", limit=20),
        Column("text", "String", ""),
        Column("low", "LowCardinality(String)", "", limit=20),
        Column("endless", "LowCardinality(String)", ""),
        Column("small", "UInt8", ""),
        Column("large", "UInt64", ""),
        Column("real", "Float64", ""),
        Column("moment", TIME, ""),
        Column("format", "LowCardinality(String)", ""),
    ),
)

TEXTS: list[Any] = [
    "", "a", "b" * 20, "é" * 20, "a\0b", "\0", "\ufffd", "x" * 21, "é" * 21, "\0" * 30, "c" * 127, "c" * 128,
    "d" * 300, "é" * 128, "e" * 16_383, "f" * 16_384, "g" * 20_000, "é" * 9_000,
]  # fmt: skip
NO_TEXTS: list[Any] = [
    "\ud800", "ok\udfff", 5, True, 1.5, ["a"], ("a",), object(), None, 0, b"bytes", b"b" * 21,
]  # fmt: skip
NUMBERS: list[Any] = [0, 1, 255, 7.0, True, False]
NO_NUMBERS: list[Any] = [256, -1, 1.5, "7", "", None, [], [1], float("inf"), 2**63, 2**64, -(2**63), b"1"]


class Record(msgspec.Struct, gc=False, array_like=True):
    """A place in the list of odd values, for each column."""

    texts: list[int]
    numbers: list[int]
    explodes: bool = False
    notes: int = 0


def fresh(value: Any) -> Any:
    """A text of its own for each row, as a decoder makes it."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")
    return bytes(bytearray(value)) if isinstance(value, bytes) else value


def odd_columns(rows: Rows) -> Columns:
    for row, record in enumerate(rows.records):
        if record.explodes:
            raise RuntimeError("an exploding record")
        if record.notes:
            rows.note(row, "note", record.notes)
    texts, numbers = TEXTS + NO_TEXTS, NUMBERS + NO_NUMBERS
    return {
        **{
            name: [fresh(texts[record.texts[place]]) for record in rows.records]
            for place, name in enumerate(("short", "text", "low", "endless"))
        },
        **{
            name: [numbers[record.numbers[place]] for record in rows.records]
            for place, name in enumerate(("small", "large", "real", "moment"))
        },
    }


ODD = Format("odd", signal="things", columns=odd_columns, codec=JsonArray(Record))
OTHER = Format("other", signal="things", columns=lambda rows: {"text": ["other"] * len(rows)}, codec=JsonArray(Record))


def places(usual: list[Any], odd: list[Any]) -> st.SearchStrategy[list[int]]:
    """Four places in the list of both, mostly of a usual value."""
    one = st.integers(0, len(usual) - 1)
    return st.lists(one, min_size=4, max_size=4) | st.lists(
        one | st.integers(len(usual), len(usual) + len(odd) - 1), min_size=4, max_size=4
    )


records = st.builds(
    lambda texts, numbers, explodes, notes: [texts, numbers, explodes, notes],
    places(TEXTS, NO_TEXTS),
    places(NUMBERS, NO_NUMBERS),
    st.sampled_from([False] * 9 + [True]),
    st.sampled_from([0, 0, 0, 7]),
)
messages = st.lists(
    st.tuples(
        st.sampled_from(["odd", "odd", "other"]),
        st.sampled_from(["", "web", "s" * 300, "nul\0"]),
        st.lists(records, min_size=1, max_size=6) | st.tuples(records, st.integers(1, 9)).map(lambda a: [a[0]] * a[1]),
    ),
    min_size=1,
    max_size=6,
)


def message(offset: int, name: str, payload: bytes, n: int, service: str = "", errors: bool = False) -> Message:
    stamp = Stamp(
        v=VERSION,
        format=name,
        project_id="p",
        received_at=NOW_US + offset,
        retention_days=30,
        n=n,
        service=service,
        event_ids=tuple(f"e{index}" for index in range(n)) if errors else (),
        fingerprint_version=CURRENT if errors else 0,
    )
    return Message(offset, 1_000, None, seal(stamp, payload))


def check(table: Table, formats: Sequence[Format], sent: Sequence[Message]) -> Batch:
    made = Converter(table, formats)
    entries = [made.read(each) for each in sent]
    batch = made.convert(LANE, entries, NOW_US)
    plain = plain_conversion.convert(table, made.formats, LANE, entries)
    found = plain_conversion.of_batch(table, batch)
    assert found.refused == plain.refused
    assert found.rows == plain.rows
    return batch


@pytest.mark.parametrize("portion", [1, 3, 400])
def test_odd_values_become_the_rows_and_letters_that_they_should(portion: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "PORTION_ROWS", portion)

    @many
    @given(messages)
    def run(drawn: Any) -> None:
        sent = [
            message(offset, name, json.dumps(some).encode(), len(some), service)
            for offset, (name, service, some) in enumerate(drawn)
        ]
        batch = check(TABLE, [ODD, OTHER], sent)
        for letter in batch.letters:
            stamp, payload = unseal(raw_bytes(letter))
            assert stamp.n == 1
            assert msgspec.json.decode(payload) == [drawn[letter.offset][2][letter.index]]

    run()


@pytest.mark.parametrize("intake", JSON_INTAKES, ids=lambda intake: intake.name)
def test_bodies_of_every_format_become_the_rows_that_they_should(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(intake)
    fmt = door.format
    monkeypatch.setattr(converter, "PORTION_ROWS", 3)

    @many
    @given(st.lists(bodies(door), min_size=1, max_size=4))
    def run(drawn: list[bytes]) -> None:
        sent = []
        for body in drawn:
            try:
                part = door.validate(body)
            except Rejection:
                continue
            payload = bytes(part.payload)
            sent.append(message(len(sent), fmt.name, payload, part.n, part.service, fmt.signal == "errors"))
        if sent:
            assert check(REGISTRY.signal_of(fmt).table, [fmt], sent).letters == []

    run()
