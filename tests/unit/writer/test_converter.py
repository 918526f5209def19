"""Messages -> columns: nothing is lost, nothing depends on the clock but retention."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from shared import registry
from shared.envelope import VERSION, WITH_RULES, Stamp, seal, unseal
from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import JsonArray
from shared.letters import raw_bytes
from shared.queue.base import Lane, Message
from shared.signals.base import US_PER_DAY, Column, Table
from tests.blocks import block_of, values_of
from writer.batch import Batch
from writer.buffer import Buffer, Limits
from writer.converter import Converter
from writer.wire.block import Block, Misfit, unsupported

LANE = Lane("logs", 3)
NOW_US = 1_800_000_000_000_000


class Record(msgspec.Struct, gc=False):
    text: Any = ""
    count: Any = 0


def columns(rows: Rows) -> Columns:
    for row, record in enumerate(rows.records):
        if record.text == "explode":
            raise RuntimeError("an exploding record")
        if record.text == "note":
            rows.note(row, "kept", record.count)
    return {
        "timestamp": rows.received_at,
        "text": [record.text for record in rows.records],
        "count": [record.count for record in rows.records],
    }


TABLE = Table(
    name="things",
    own_columns=(
        Column("text", "String", "", limit=20),
        Column("count", "UInt8", ""),
        Column("format", "LowCardinality(String)", ""),
        Column("event_id", "String", ""),
    ),
)


def form(name: str, make: Any = columns) -> Format:
    return Format(name, signal="things", columns=make, codec=JsonArray(Record))


def message(offset: int, *records: Any, **fields: Any) -> Message:
    usual = {
        "v": VERSION,
        "format": "one",
        "project_id": "p",
        "received_at": NOW_US,
        "retention_days": 30,
        "n": len(records),
    }
    return Message(offset, 1_000, None, seal(Stamp(**{**usual, **fields}), msgspec.json.encode(records)))


def convert(*messages: Message, formats: tuple[Format, ...] = (form("one"), form("two"))) -> Batch:
    converter = Converter(TABLE, formats)
    return converter.convert(LANE, [converter.read(each) for each in messages], NOW_US)


def text(value: Any) -> dict[str, Any]:
    return {"text": value, "count": 1}


def test_rows_carry_their_identity_and_their_stamp() -> None:
    made = convert(message(7, text("a"), text("b"), service="web"), message(9, text("c"), project_id="q"))
    assert values_of(made.block) == {
        "project_id": ["p", "p", "q"],
        "received_at": [NOW_US] * 3,
        "service": ["web", "web", ""],
        "retention_days": [30] * 3,
        "timestamp": [NOW_US] * 3,
        "text": ["a", "b", "c"],
        "count": [1, 1, 1],
        "format": ["one"] * 3,
        "_topic": ["logs"] * 3,
        "_partition": [3] * 3,
        "_offset": [7, 7, 9],
        "_index": [0, 1, 0],
    }, "columns that only hold their default are left to ClickHouse"
    assert made.rows == 3


def test_formats_are_grouped_in_order_of_appearance_and_always_alike() -> None:
    def other(rows: Rows) -> Columns:
        return {"timestamp": rows.received_at, "event_id": [f"e{n}" for n in range(len(rows))]}

    formats = (form("one"), form("two", other))
    messages = [
        message(1, text("b"), format="one"),
        message(2, text("x"), format="two"),
        message(3, text("c"), format="one"),
    ]
    made = convert(*messages, formats=formats)
    assert values_of(made.block)["_offset"] == [1, 3, 2]
    assert values_of(made.block)["text"] == ["b", "c", ""]
    assert values_of(made.block)["event_id"] == ["", "", "e0"]
    assert values_of(convert(*messages, formats=formats).block) == values_of(made.block)


def test_what_a_column_cannot_hold_goes_to_extra_whole() -> None:
    made = convert(message(1, text("x" * 30), {"text": "note", "count": 5}, text("plain")))
    assert values_of(made.block)["text"] == ["x" * 20, "note", "plain"]
    assert values_of(made.block)["extra"] == ['{"text":"' + "x" * 30 + '"}', '{"kept":5}', ""]


def test_records_past_their_retention_are_no_rows() -> None:
    made = convert(
        message(1, text("a"), text("b"), received_at=NOW_US - 7 * US_PER_DAY, retention_days=7),
        message(2, text("c"), received_at=NOW_US - 7 * US_PER_DAY + 1, retention_days=7),
    )
    assert made.expired == 2
    assert values_of(made.block)["text"] == ["c"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"", "no first line"),
        (b"garbage\n[]", "stamp can't be read"),
        (b'{"v":1}\n[]', "stamp can't be read"),
        (message(0, text("a"), n=2).value, "counts 2 records, there are 1"),
        (message(0, text("a"), event_ids=("x", "y")).value, "2 event ids"),
        (message(0, text("a"), received_at=-1).value, "received_at"),
        (message(0, text("a"), retention_days=0).value, "retention_days"),
        (message(0, text("a"), n=-1).value, "-1 records"),
        (message(0).value.replace(b"[]", b"[1,"), "no first line"),
        (message(0, text("a")).value.replace(b"]", b""), "the records"),
        (message(0, text("a")).value.replace(b'"a"', b'"\xff"'), "the records"),
        (message(0, text("a")).value.replace(b'"a"', b"[" * 5000 + b"]" * 5000), "the records"),
    ],
)
def test_a_message_that_is_no_envelope_is_a_letter_and_its_neighbours_are_rows(value: bytes, says: str) -> None:
    if says == "no first line" and value:
        value = value.replace(b"\n", b"")
    made = convert(message(1, text("before")), Message(2, 5, None, value), message(3, text("after")))
    assert values_of(made.block)["text"] == ["before", "after"]
    (letter,) = made.letters
    assert (letter.reason, letter.offset, letter.index, letter.timestamp_ms) == ("undecodable", 2, None, 5)
    assert says in letter.detail
    assert raw_bytes(letter) == value


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"text": "explode"}, "RuntimeError: an exploding record"),
        ({"text": 5, "count": 1}, "Misfit: text: "),
        ({"text": None, "count": 1}, "Misfit: text: "),
        ({"text": "ok", "count": 256}, "count"),
        ({"text": "ok", "count": -1}, "count"),
        ({"text": "ok", "count": 1.5}, "count"),
        ({"text": "ok", "count": "7"}, "count"),
    ],
)
def test_only_the_record_that_does_not_convert_is_a_letter(bad: dict[str, Any], says: str) -> None:
    made = convert(
        message(1, *(text(f"a{n}") for n in range(5))),
        message(2, text("b0"), text("b1"), bad, text("b3"), event_ids=("i0", "i1", "i2", "i3")),
        message(3, text("c")),
    )
    assert values_of(made.block)["text"] == ["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b3", "c"]
    assert values_of(made.block)["_index"] == [0, 1, 2, 3, 4, 0, 1, 3, 0]
    (letter,) = made.letters
    assert (letter.reason, letter.offset, letter.index) == ("unconvertible", 2, 2)
    assert says in letter.detail
    stamp, records = unseal(raw_bytes(letter))
    assert (stamp.n, stamp.event_ids) == (1, ("i2",))
    assert msgspec.json.decode(records) == [bad]


def test_letters_stand_in_the_order_of_the_lane() -> None:
    made = convert(
        message(1, text("a"), {"text": "explode"}), Message(2, 0, None, b"?"), message(3, *[{"text": "explode"}] * 3)
    )
    assert [(letter.offset, letter.index) for letter in made.letters] == [(1, 1), (2, None), (3, 0), (3, 1), (3, 2)]
    assert made.rows == 1


@pytest.mark.parametrize("fields", [{"v": WITH_RULES + 1}, {"format": "three"}, {"fingerprint_version": 99}])
def test_what_a_newer_gateway_wrote_is_blocked_and_no_letter(fields: dict[str, Any]) -> None:
    entry = Converter(TABLE, [form("one")]).read(message(1, text("a"), **fields))
    assert "upgrade the writers" in entry.blocked
    assert entry.stamp is None
    assert not entry.problem


def test_every_column_of_every_table_has_a_type_that_is_checked() -> None:
    assert [unsupported(table) for table in registry.load().tables] == [[], [], [], []]


def test_a_type_that_cannot_be_checked_is_named() -> None:
    table = replace(TABLE, own_columns=(Column("when", "Nullable(DateTime)", ""),))
    assert unsupported(table) == ["when"]


@pytest.mark.parametrize(
    "values",
    [{"text": ["\ud800"]}, {"text": [b"x", 1]}, {"text": ["a", "b"]}, {"nobody": [1]}, {"timestamp": [2**63]}],
)
def test_values_that_do_not_fit_are_named(values: Columns) -> None:
    with pytest.raises(Misfit):
        Block(TABLE).append(values, 1 if "text" not in values else len(values["text"]) if b"x" in values["text"] else 1)


def test_text_may_be_str_and_bytes_mixed() -> None:
    assert values_of(block_of(TABLE, {"text": ["", b'{"a":1}', "é"]})) == {"text": ["", '{"a":1}', "é"]}


def batch(*messages: Message) -> Batch:
    converter = Converter(TABLE, [form("one"), form("two")])
    buffer = Buffer(Limits(1000, 10**9, 1.0), messages[0].offset)
    for each in messages:
        buffer.add(converter.read(each), 0.0)
    draft = buffer.take(9.0)
    assert draft
    return converter.convert(LANE, draft.entries, NOW_US)


def test_a_batch_names_its_range_in_its_token_and_positions() -> None:
    made = batch(Message(4, 0, None, b"?"), message(6, text("a")), message(9, text("b"), received_at=NOW_US + 5))
    assert made.token == f"logs:3:4-9:{NOW_US}"
    assert made.plan == (4, '{"end":10}')
    assert made.done == (10, "")
    assert made.keys() == [(6, 0, NOW_US), (9, 0, NOW_US + 5)]


def test_rows_present_or_past_their_retention_are_not_missing() -> None:
    made = batch(message(1, text("a"), text("b"), text("c")), message(2, text("d"), retention_days=7))
    present = {(1, 1, NOW_US), (1, 2, NOW_US - 1)}
    assert made.missing(present, NOW_US) == [0, 2, 3]
    assert made.missing(present, NOW_US + 8 * US_PER_DAY) == [0, 2]
    assert values_of(made.block.select([0, 2]))["text"] == ["a", "c"]
