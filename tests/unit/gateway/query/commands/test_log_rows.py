"""A log as a row of a table."""

import json
from typing import Any

import pytest

from gateway.query.commands.log_rows import Log, LogRows, logs_of, parse_columns, table_columns
from gateway.query.logs.page import Page
from gateway.query.parameters import Parameters
from gateway.query.refusals import BadQuery


def log_of(text: bytes) -> Log:
    [log] = logs_of(Page([text], 1))
    return log


def cells(*names: str, whole: bool = False, shown_from: int = 11, **log: Any) -> list[str]:
    usual = {"timestamp": "2026-01-15T10:30:00.123456Z", "level": "info", "message": "m", "attributes": {}}
    row = LogRows(names, shown_from, whole=whole).row(log_of(json.dumps(usual | log).encode()))
    return [cell.text for cell in row.cells] + list(row.below)


def test_it_has_time_level_and_message() -> None:
    assert cells() == ["10:30:00.123", "info", "m"]
    assert cells(shown_from=5)[0] == "01-15 10:30:00.123"
    assert cells(shown_from=0)[0] == "2026-01-15 10:30:00.123"


def test_columns_stand_between_level_and_message() -> None:
    assert cells("service", "line_number", "user", service="api", line_number=7, user={"a": 1}) == [
        "10:30:00.123", "info", "api", "7", '{"a": 1}', "m",
    ]  # fmt: skip
    assert cells("service", service=None)[2] == ""


@pytest.mark.parametrize(
    ("key", "shown"),
    [("a", "text"), ("b.c", "literal"), ("d.e.f", "3"), ("d", '{"e": {"f": 3}}'), ("none", ""), ("a.x", ""), ("z", "")],
)
def test_an_attribute_is_found_by_its_key_or_by_a_path(key: str, shown: str) -> None:
    attributes = {"a": "text", "b.c": "literal", "b": {"c": 1}, "d": {"e": {"f": 3}}, "z": None}
    assert cells(f"attr.{key}", attributes=attributes)[2] == shown


def test_no_text_of_a_log_is_obeyed() -> None:
    evil = "\x1b]0;x\x07\u202e\n"
    shown = "\\x1b]0;x\\x07\\u202e\\n"
    row = cells("service", "attr.k", "attributes", level=evil, message=evil, service=evil, attributes={"k": evil})
    assert row[1:4] == [shown] * 3
    assert row[5] == shown
    assert row[4].isprintable()


def test_a_whole_message_has_all_of_its_lines() -> None:
    assert cells(message="a\n\tb\x1b", whole=True) == ["10:30:00.123", "info", "a", "    b\\x1b"]
    assert cells(message="a\nb") == ["10:30:00.123", "info", "a\\nb"]


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        (b'{"k":"\\ud800"}', "\\ud800"),
        (b'{"k":[1,{"a":"\x1b"}]}', '[1, {"a": "\\u001b"}]'),
        (b'{"k":1,"k":2}', "2"),
        (b'{"k":%b}' % (b"1" * 5000), "Infinity"),
        (b'{"k":"\xff"}', "\ufffd"),
        (b'{"k":%b7%b}' % (b"[" * 511, b"]" * 511), "[" * 511 + "7" + "]" * 511),
        (b"[1]", ""),
        (b"null", ""),
    ],
)
def test_no_attributes_are_a_reason_to_fail(attributes: bytes, shown: str) -> None:
    log = log_of(b'{"timestamp":"2026-01-15T10:30:00.123Z","level":"info","message":"m","attributes":%b}' % attributes)
    assert LogRows(["attr.k"], 11, whole=False).row(log).cells[2].text == shown


def test_the_logs_of_a_page_are_taken_apart() -> None:
    pieces = [b'{"a":1},{"b"', b":2}"]
    assert [log.json for log in logs_of(Page(pieces, 2))] == ['{"a":1}', '{"b":2}']
    assert logs_of(Page([])) == []


def test_columns_share_what_room_there_is() -> None:
    assert [column.most for column in table_columns(["a"], 80)][2:-1] == [16]
    assert [column.most for column in table_columns(["a", "b", "c"], 80)][2:-1] == [8, 8, 8]
    assert [column.most for column in table_columns(["a", "b"], None)][2:-1] == [24, 24]


def test_an_unknown_column_is_refused() -> None:
    given = Parameters([("columns", "service,attr.k,nonsense")])
    assert parse_columns(given) == ["service", "attr.k"]
    with pytest.raises(BadQuery):
        given.finish()
