"""The events of a span that is open (pages.md, "A trace")."""

import json
from typing import Any

import msgspec
import pytest

from gateway.query.pages.waterfall.events import MOST, Event, events_of
from gateway.query.pages.waterfall.pair import Pair
from tests.unit.gateway.query.pages.waterfall.made import span


def events(*sent: Any) -> tuple[int, list[Event]]:
    return events_of(span(events=msgspec.Raw(json.dumps(sent).encode())))


def test_they_have_the_time_since_the_spans_start() -> None:
    times = ("2026-01-15T12:00:00.001500999Z", "2026-01-15T11:59:59.998Z", "yesterday", 5)
    _, found = events(*({"time": time, "name": "n"} for time in times))
    assert [each.when for each in found] == ["1.5 ms", "-2 ms", "", ""]


def test_their_attributes_are_named_by_path_and_strange_ones_are_none() -> None:
    _, found = events({"name": "n", "attributes": {"a": {"b": [1, "x"]}, "c": "text"}}, {"attributes": 5}, 7)
    assert [each.attributes for each in found] == [[Pair("a.b", '[1, "x"]'), Pair("c", "text")], []]


def test_the_first_ones_are_shown_and_all_are_counted() -> None:
    total, found = events(*({"name": str(n)} for n in range(MOST + 3)))
    assert (total, [each.name for each in found]) == (MOST + 3, [str(n) for n in range(MOST)])


@pytest.mark.parametrize("text", [b"null", b"[", b'{"name":"n"}', b"[" * 100_000])
def test_what_can_not_be_read_has_none(text: bytes) -> None:
    assert events_of(span(events=msgspec.Raw(text))) == (0, [])
