"""Every answer to a question says how far it is complete, and can be narrowed to a state
(contracts.md, "How far an answer is complete")."""

import json
from typing import Any

import pytest

from gateway.query import Reader
from gateway.query.as_of import AsOf, encode_as_of
from gateway.query.complete import Complete
from shared.registry import load
from tests.integration.gateway.query.read_api import NOON, Store, client

TABLES = set(load().stores.values())
HOUR_OF_NOON = {"start_time": "2026-01-15T11:30:00Z", "end_time": "2026-01-15T12:30:00Z"}

QUESTIONS = {
    "logs/volume": {"logs"},
    "logs/patterns": {"logs"},
    "logs/changes": {"logs"},
    "logs/compare": {"logs"},
    "errors": {"errors"},
    "errors/f": {"errors"},
    "errors/f/events": {"errors"},
    "traces": {"spans"},
    "traces/t": TABLES,
    "llm/usage": {"llm_calls"},
    "llm/calls": {"llm_calls"},
    "usage": TABLES,
}
WHATEVER_THE_STATE = {"usage"}
"""They are counted by the time of arrival."""


class Observed:
    """Each table is complete up to another second before noon."""

    def __init__(self) -> None:
        self.tables: list[str] = []

    async def __call__(self, table: str) -> Complete:
        self.tables.append(table)
        up_to = NOON - sorted(TABLES).index(table) * 1_000_000
        return Complete(up_to, AsOf(up_to, {table: (10,)}))


def add_rows(store: Store, offset: int) -> None:
    """One of each kind, at this offset of its lane."""
    row = {"timestamp": NOON, "trace_id": "t", "_offset": offset}
    store.add_logs(row)
    store.add_errors(row | {"event_id": f"e{offset}", "fingerprint": "f"})
    store.add_spans(row | {"span_id": f"s{offset}"})
    store.add_calls(row | {"model": "m"})


def shown(answer: dict[str, Any]) -> str:
    """What is not said beside the data; a trace is also named by its id."""
    told = ("range", "complete_up_to", "complete_reason", "as_of", "trace_id", "ever", "newest")
    return json.dumps({name: value for name, value in answer.items() if name not in told})


@pytest.mark.parametrize("path", QUESTIONS)
async def test_an_answer_says_how_far_it_is_complete(store: Store, path: str) -> None:
    add_rows(store, 9)
    observed, reader = Observed(), Reader(store.url)
    async with client(reader, complete=observed) as api:
        answer = (await api.get(f"/api/v1/projects/p/{path}", params=allowed(path))).json()
    await reader.close()
    assert set(observed.tables) == QUESTIONS[path]
    least = max(sorted(TABLES).index(table) for table in observed.tables)
    assert answer["complete_up_to"] == f"2026-01-15T11:59:{60 - least:02}.000Z" if least else "2026-01-15T12:00:00.000Z"
    state = AsOf(NOON - least * 1_000_000, dict.fromkeys(sorted(observed.tables), (10,)))
    assert answer["as_of"] == encode_as_of(state)
    assert answer["complete_reason"] is None


@pytest.mark.parametrize("path", sorted(set(QUESTIONS) - WHATEVER_THE_STATE))
async def test_an_answer_is_that_of_its_state_whatever_comes(store: Store, path: str) -> None:
    add_rows(store, 9)
    state, reader = AsOf(NOON, dict.fromkeys(TABLES, (10,))), Reader(store.url)
    async with client(reader, complete=Observed()) as api:
        url, asked = f"/api/v1/projects/p/{path}", allowed(path)
        before = (await api.get(url, params=asked)).json()
        add_rows(store, 10)
        narrowed = (await api.get(url, params=asked | {"as_of": encode_as_of(state)})).json()
        after = (await api.get(url, params=asked)).json()
    await reader.close()
    assert shown(narrowed) == shown(before) != shown(after)
    assert narrowed["as_of"] == encode_as_of(state)


async def test_without_a_queue_an_answer_says_why_nothing_is_known(store: Store) -> None:
    reader = Reader(store.url)
    async with client(reader) as api:
        answer = (await api.get("/api/v1/projects/p/errors")).json()
    await reader.close()
    assert (answer["complete_up_to"], answer["as_of"]) == (None, None)
    assert answer["complete_reason"] == "this process does not ask the queue"


def allowed(path: str) -> dict[str, str]:
    """A trace has no range."""
    return {} if path.startswith("traces/") else HOUR_OF_NOON
