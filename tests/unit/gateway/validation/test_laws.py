"""What the walker, msgspec and the writer must agree on, tested with bodies generated from the formats' own types."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from gateway.rejections import Rejection
from gateway.validation.contract import checked, node_of
from gateway.validation.faults import Walker
from gateway.validation.parts import Part
from shared.envelope import VERSION, Stamp
from shared.fingerprint import CURRENT
from shared.formats.base import Format, Rows
from shared.formats.intake import Intake
from shared.formats.values import limit_text
from tests.bodies import bodies, broken, valid, values
from tests.examples import examples
from tests.validating import JSON_INTAKES, REGISTRY, Door
from writer.wire.block import Block
from writer.wire.column import Unusual

INTAKES = pytest.mark.parametrize("intake", JSON_INTAKES, ids=lambda intake: intake.name)
NOW_US = 1_790_000_000_000_000

many = examples(40)


@INTAKES
def test_a_body_that_the_types_allow_is_accepted_whole(intake: Intake) -> None:
    door = Door(intake)

    @many
    @given(values(door))
    def check(value: Any) -> None:
        validated = door.validate(json.dumps(value).encode())
        assert validated.dropped == []
        assert validated.n == len(msgspec.json.decode(validated.payload))

    check()


@INTAKES
def test_the_walker_and_msgspec_differ_only_where_a_field_says_so_or_a_text_is_long(intake: Intake) -> None:
    door = Door(intake)
    node = node_of(door.format.codec.record)
    walker = Walker(door.api.length)
    decode = msgspec.json.Decoder(checked(door.format.codec.record)).decode

    @many
    @given(valid(node).flatmap(broken))
    def check(value: Any) -> None:
        faults = list(walker.faults(node, value))
        try:
            decode(json.dumps(value).encode())
        except msgspec.ValidationError:
            assert faults or any(walker.mended(field.node, value.get(field.name)) for field in node.fields)
        else:
            assert all(fault.rule == "longest" for fault in faults)

    check()


@INTAKES
def test_whatever_is_accepted_can_be_stored(intake: Intake) -> None:
    door = Door(intake)

    @many
    @given(bodies(door))
    def check(body: bytes) -> None:
        try:
            validated = door.validate(body)
        except Rejection:
            return
        stored(door.format, validated)

    check()


def stored(fmt: Format, validated: Part) -> None:
    """Do what the writer does with validated records: decode them, make columns, fit these into the table."""
    n = validated.n
    records = fmt.codec.read(validated.payload)
    assert len(records) == n
    if not records:
        return
    errors = fmt.signal == "errors"
    stamp = Stamp(
        v=VERSION,
        format=fmt.name,
        project_id="p",
        received_at=NOW_US,
        retention_days=30,
        n=n,
        event_ids=tuple(f"e{index}" for index in range(n)) if errors else (),
        fingerprint_version=CURRENT if errors else 0,
    )
    rows, table = Rows(), REGISTRY.signal_of(fmt).table
    rows.add(stamp, records)
    columns, block = fmt.columns(rows), Block(table)
    try:
        block.append(columns, n)
    except Unusual:
        limit_text(table, columns, rows)
        block.append(columns, n)
    msgspec.json.encode(rows.notes)
