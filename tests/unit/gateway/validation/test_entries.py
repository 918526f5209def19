"""`/api/v1/logs/batch` accepts good entries and drops bad ones (contracts.md, "`POST /api/v1/logs/batch`")."""

import json
from typing import Any

import pytest

from gateway.rejections import MalformedJson
from gateway.validation.parts import Part
from gateway.validation.sizes import MAX_RECORD_BYTES
from shared.formats import proliferate_logs, vercel_drain
from tests.validating import Door

VALIDATOR = Door(proliferate_logs)
LOG = {"level": "info", "message": "m"}


def validated(*entries: Any) -> Part:
    return VALIDATOR.validate(json.dumps({"logs": entries}).encode())


def x_dropped(made: Part) -> str:
    """The text of the answer's header."""
    return ", ".join(made.told)


def taken(entry: Any) -> Any:
    """The only entry as the writer gets it, or None if it was dropped."""
    records = json.loads(bytes(validated(entry).payload))
    return records[0] if records else None


def test_nothing_sent_is_nothing_accepted() -> None:
    assert (validated().n, validated().dropped) == (0, [])


def test_accepted_and_dropped_add_up_and_the_good_ones_keep_their_order() -> None:
    made = validated(LOG | {"message": "1"}, 5, LOG | {"message": "2"}, {"level": "info"}, LOG | {"message": "3"})
    assert [record["message"] for record in json.loads(bytes(made.payload))] == ["1", "2", "3"]
    assert made.dropped == [(1, "invalid"), (3, "invalid")]
    assert x_dropped(made) == "1:not_an_object, 3:missing_message"


def test_all_dropped_is_no_refusal() -> None:
    made = validated(*[None] * 100)
    assert (made.n, len(made.dropped)) == (0, 100)


def test_the_header_names_the_first_20() -> None:
    told = x_dropped(validated(LOG, *[{"level": "loud", "message": "m"}] * 30)).split(", ")
    assert told == [f"{index}:invalid_level" for index in range(1, 21)]


@pytest.mark.parametrize(
    ("sent", "level"),
    [("INFO", "info"), ("Warning", "warn"), ("WARN", "warn"), ("fatal", "fatal"), ("tRACE", "trace")],
)
def test_a_level_is_taken_in_any_case(sent: str, level: str) -> None:
    assert taken(LOG | {"level": sent})["level"] == level


@pytest.mark.parametrize("level", ["loud", "", " info", None, 9, ["info"]])
def test_another_level_drops_the_entry(level: Any) -> None:
    assert taken(LOG | {"level": level}) is None


@pytest.mark.parametrize(
    "timestamp",
    [0, -1.5, 1736938200.123, 1736938200123, 1e300, "2026-02-23T00:00:00", "2026-02-23", "2026-02-23 01:02+05", None],
)
def test_a_timestamp_is_a_number_or_any_iso_text(timestamp: Any) -> None:
    assert taken(LOG | {"timestamp": timestamp}) is not None


@pytest.mark.parametrize("timestamp", ["", "yesterday", "2026-02-30", "1736938200", True, [], {}])
def test_another_timestamp_drops_the_entry(timestamp: Any) -> None:
    assert taken(LOG | {"timestamp": timestamp}) is None


def test_null_is_absent_for_every_optional_field() -> None:
    names = ["timestamp", "template", "attributes", "trace_id", "span_id", "user", "account"]
    names += ["logger_name", "file_path", "line_number", "function_name"]
    assert taken(LOG | dict.fromkeys(names)) is not None
    assert VALIDATOR.validate(b'{"logs":[],"environment":null,"release":null}').environment == "production"


@pytest.mark.parametrize("field", ["level", "message"])
def test_null_is_not_enough_for_a_required_field(field: str) -> None:
    assert taken(LOG | {field: None}) is None


@pytest.mark.parametrize("person", ["user", "account"])
@pytest.mark.parametrize(
    ("id", "is_taken"), [("u", True), (5, True), (2.5, True), (None, True), (True, False), ([], False)]
)
def test_the_id_of_a_person_is_a_text_or_a_number(person: str, id: Any, is_taken: bool) -> None:
    assert (taken(LOG | {person: {"id": id, "more": {"a": 1}}}) is not None) is is_taken


@pytest.mark.parametrize(("line", "stored"), [(0, 0), (42, 42), (42.0, 42), (2**40, 2**40)])
def test_a_line_number_is_an_integer(line: float, stored: int) -> None:
    assert repr(taken(LOG | {"line_number": line})["line_number"]) == repr(stored)


@pytest.mark.parametrize("line", [-1, -1.0, 1.5, "1", True])
def test_another_line_number_drops_the_entry(line: Any) -> None:
    assert taken(LOG | {"line_number": line}) is None


@pytest.mark.parametrize("attributes", [[1], "x", 5, True])
def test_attributes_are_an_object(attributes: Any) -> None:
    assert x_dropped(validated(LOG | {"attributes": attributes})) == "0:invalid_attributes"


def test_fields_that_the_request_does_not_have_are_ignored_whatever_they_hold() -> None:
    assert VALIDATOR.validate(b'{"service":5,"logs":[{"level":"info","message":"m","service":[]}]}').n == 1


def test_an_entry_over_the_limit_is_dropped_and_its_neighbours_are_not() -> None:
    made = validated(LOG, LOG | {"message": "m" * MAX_RECORD_BYTES}, LOG)
    assert (made.n, made.dropped, x_dropped(made)) == (2, [(1, "too_large")], "1:too_large")


def test_a_mended_entry_keeps_its_other_fields_byte_for_byte() -> None:
    rest = b'"message":"\\u0041","attributes": { "n" : 1.10e1, "n":2,"\\u00e9":-0 }'
    made = VALIDATOR.validate(b'{"logs":[{"level":"INFO",' + rest + b"}]}")
    assert bytes(made.payload) == b'[{"level":"info",' + rest.replace(b'": {', b'":{') + b"}]"


def test_a_number_that_no_double_holds_is_no_json() -> None:
    with pytest.raises(MalformedJson):
        VALIDATOR.validate(b'{"logs":[{"level":"info","message":"m","timestamp":1e400}]}')


@pytest.mark.parametrize(
    ("body", "n", "told"),
    [
        (b"[]", 0, ""),
        (b'[{"a":1},{}]', 2, ""),
        (b'{"a":1}', 1, ""),
        (b'{"a":1}\r\n\n{"a":2}\n', 2, ""),
        (b'{"a":1}\nnope\n{"a":"\\ud800"}', 2, "1:not_an_object"),
        (b'[\n{"a":"\\ud800"},\n{}\n]', 2, ""),
        (b"\xef\xbb\xbf[{},null,5]", 1, "1:not_an_object, 2:not_an_object"),
        (b'{"a":"\xff"}', 1, ""),
    ],
)
def test_a_drain_may_be_an_array_an_object_or_lines_and_only_its_bad_entries_are_dropped(
    body: bytes, n: int, told: str
) -> None:
    made = Door(vercel_drain).validate(body)
    assert (made.n, x_dropped(made)) == (n, told)


@pytest.mark.parametrize("body", [b"", b"nope", b"{", b"[" * 5000])
def test_a_drain_that_is_no_json_at_all_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        Door(vercel_drain).validate(body)
