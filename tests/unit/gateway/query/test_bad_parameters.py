"""What can't be used is named, all of it at once, by every question."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.query.errors.detail import parse_group
from gateway.query.errors.events import parse_events
from gateway.query.errors.groups import GroupCursor, parse_groups
from gateway.query.llm.calls import parse_calls
from gateway.query.llm.usage import parse_usage as parse_llm_usage
from gateway.query.logs.attribute_keys import parse_keys
from gateway.query.logs.facets import parse_facets
from gateway.query.logs.volume import parse_volume
from gateway.query.paging import Cursor
from gateway.query.parameters import Parameters
from gateway.query.place import Place, encode_place
from gateway.query.refusals import BadQuery
from gateway.query.traces.detail import parse_trace
from gateway.query.traces.roots import parse_traces
from gateway.query.usage.query import parse_usage

PATH = {"fingerprint": "f", "trace_id": "t"}
OF_COST = Cursor("cost", False, 0.5, Place(0, 0, 0, 0, 0, "llm")).text
BAD: dict[str, tuple[Callable[[Parameters], Any], dict[str, str]]] = {
    "groups": (parse_groups, {"sort": "colour", "limit": "201", "cursor": "x", "last": "x", "by": "x"}),
    "group": (parse_group, {"last": "0s", "q": "x" * 2049, "limit": "1"}),
    "events": (parse_events, {"limit": "0", "cursor": OF_COST, "sort": "time"}),
    "traces": (parse_traces, {"sort": "cost", "limit": "1001", "cursor": OF_COST}),
    "trace": (parse_trace, {"at": "noon", "q": "x"}),
    "calls": (parse_calls, {"sort": "price", "cursor": OF_COST}),
    "models": (parse_llm_usage, {"group_by": "user", "bucket": "week", "limit": "51", "cursor": "?"}),
    "volume": (parse_volume, {"buckets": "59", "by": "release", "budget": "0"}),
    "facets": (parse_facets, {"fields": "colour", "top": "0", "budget": "x", "limit": "1"}),
    "keys": (parse_keys, {"budget": "20000001", "fields": "level", "last": "x"}),
    "usage": (parse_usage, {"bucket": "none", "q": "x"}),
}


@pytest.mark.parametrize("question", BAD)
def test_every_bad_parameter_is_named(question: str) -> None:
    parse, given = BAD[question]
    with pytest.raises(BadQuery) as refused:
        parse(Parameters(given.items(), PATH))
    assert sorted(each["loc"][1] for each in refused.value.issues) == sorted(given)


def test_a_cursor_is_of_its_own_sort_and_of_numbers_that_there_are() -> None:
    assert parse_calls(Parameters([("sort", "cost"), ("cursor", OF_COST)])).paging.cursor is not None
    for sort, cursor in (
        ("latency", OF_COST),
        ("cost", Cursor("cost", False, 2.0**65, Place(0, 0, 0, 0, 0, "llm")).text),
        ("cost", Cursor("cost", False, 1, Place(0, 0, -1, 0, 0, "llm")).text),
    ):
        with pytest.raises(BadQuery):
            parse_calls(Parameters([("sort", sort), ("cursor", cursor)]))
    huge = encode_place(GroupCursor("count", 2**63, "f"))
    with pytest.raises(BadQuery):
        parse_groups(Parameters([("sort", "count"), ("cursor", huge)]))


def test_at_most_three_things_are_grouped_by_and_paths_end() -> None:
    for by in ("model,provider,operation,service", "attr.a" + ".b" * 60, "attr."):
        with pytest.raises(BadQuery):
            parse_llm_usage(Parameters([("group_by", by)]))
