"""What the walker, msgspec and the writer must agree on, shown with bodies made of the formats' own types."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from gateway import fastapi, zod
from gateway.faults import Walker
from gateway.rejections import Rejection
from gateway.schema import record_node
from gateway.validation import Validated, Validator
from shared.envelope import VERSION, Stamp
from shared.fingerprint import CURRENT
from shared.formats.base import Format, Rows, checked
from shared.formats.values import limit_text
from shared.registry import load
from tests.bodies import bodies, broken, valid, values
from writer.column_checks import check as check_columns

REGISTRY = load()
FORMATS = pytest.mark.parametrize("fmt", REGISTRY.formats.values(), ids=lambda fmt: fmt.name)
NOW_US = 1_790_000_000_000_000

many = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@FORMATS
def test_a_body_that_the_types_allow_is_accepted_whole(fmt: Format) -> None:
    validator = Validator(fmt)

    @many
    @given(values(fmt))
    def check(value: Any) -> None:
        validated = validator.validate(json.dumps(value).encode())
        assert validated.dropped == []
        assert validated.n == len(msgspec.json.decode(validated.records))

    check()


@FORMATS
def test_the_walker_and_msgspec_differ_only_where_a_field_says_so_or_a_text_is_long(fmt: Format) -> None:
    node = record_node(fmt)
    walker = Walker(zod.length if fmt.api == "deeptracer" else fastapi.length)
    decode = msgspec.json.Decoder(checked(fmt.record)).decode

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


@FORMATS
def test_whatever_is_accepted_can_be_stored(fmt: Format) -> None:
    validator = Validator(fmt)

    @many
    @given(bodies(fmt))
    def check(body: bytes) -> None:
        try:
            validated = validator.validate(body)
        except Rejection:
            return
        stored(fmt, validated)

    check()


def stored(fmt: Format, validated: Validated) -> None:
    """Do what the writer does with validated records: decode them, make columns, fit these into the table."""
    n = validated.n
    records = msgspec.json.decode(validated.records, type=list[fmt.record])  # type: ignore[name-defined]
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
    columns = fmt.columns(rows)
    limit_text(table, columns, rows)
    check_columns(table, columns, n)
    msgspec.json.encode(rows.notes)
