"""What every codec must do, shown by the JSON array."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import Undecodable
from shared.formats.codec import JsonArray

CODEC = JsonArray(dict[str, Any])
records = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), min_size=1, max_size=20)


def payload_of(records: list[dict[str, str]]) -> bytes:
    return json.dumps(records, separators=(",", ":")).encode()


@given(records, st.integers(1, 300))
def test_parts_fit_and_hold_every_record_once_in_order(records: list[dict[str, str]], room: int) -> None:
    payload = payload_of(records)
    parts = list(CODEC.cut(payload, room))
    assert [record for part, _ in parts for record in CODEC.read(part)] == records
    assert [len(CODEC.read(part)) for part, _ in parts] == [n for _, n in parts]
    assert all(len(part) <= room or n == 1 for part, n in parts)
    assert list(super(JsonArray, CODEC).cut(payload, room)) == parts, "the quick way gives what the general one does"


@given(records, st.data())
def test_what_is_kept_is_what_was_asked_for(records: list[dict[str, str]], data: st.DataObject) -> None:
    payload = payload_of(records)
    indices = data.draw(st.lists(st.integers(0, len(records) - 1), unique=True).map(sorted))
    assert CODEC.read(CODEC.keep(payload, indices)) == [records[index] for index in indices]
    assert len(CODEC.sizes(payload)) == len(records)


@pytest.mark.parametrize("payload", [b"", b"{}", b"[5]", b"[{]", b"[" * 100_000, b'[{"a":"\xff"}]'])
def test_what_is_none_of_its_payloads_is_undecodable(payload: bytes) -> None:
    with pytest.raises(Undecodable):
        CODEC.read(payload)


def test_for_people_unknown_fields_are_there_too() -> None:
    assert JsonArray(int).plain(b'[{"x":1}]') == [{"x": 1}]
