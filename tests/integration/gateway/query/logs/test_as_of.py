"""`as_of` over real ClickHouse: what was stored then, whatever comes
(contracts.md, "How far an answer is complete")."""

from random import Random
from typing import Any

import httpx
import pytest

from gateway.query import Reader
from gateway.query.as_of import SETTLED_US, AsOf, encode_as_of
from gateway.query.complete import Complete
from tests.integration.gateway.query.read_api import NOON, Store, client

LOGS = "/api/v1/projects/p/logs"
SECOND = 1_000_000
STATE = AsOf(NOON, {"logs": (100, 50), "drain": (0, 7)})


def row(message: str, topic: str, partition: int, offset: int, received_at: int = NOON) -> dict[str, Any]:
    where = {"_topic": topic, "_partition": partition, "_offset": offset}
    return {"message": message, "timestamp": NOON, "received_at": received_at, **where}


async def get(api: httpx.AsyncClient, state: AsOf | None = STATE, **parameters: Any) -> httpx.Response:
    given = parameters | ({"as_of": encode_as_of(state)} if state else {})
    answer = await api.get(LOGS, params=given)
    assert answer.status_code == 200, answer.text
    return answer


async def pages(api: httpx.AsyncClient, state: AsOf) -> tuple[list[str], set[int]]:
    """The messages of all pages, and the totals that they say."""
    messages, totals, url = [], set(), f"{LOGS}?limit=40&as_of={encode_as_of(state)}"
    while url:
        answer = await api.get(url)
        messages += [log["message"] for log in answer.json()["logs"]]
        totals.add(answer.json()["total"])
        url = answer.links.get("next", {}).get("url", "")
    return messages, totals


@pytest.mark.parametrize(
    ("topic", "partition", "offset", "received_at", "there"),
    [
        ("logs", 0, 99, NOON, True),
        ("logs", 0, 100, NOON, False),
        ("logs", 1, 49, NOON, True),
        ("logs", 1, 50, NOON, False),
        ("logs", 2, 0, NOON, False),
        ("drain", 0, 0, NOON, False),
        ("drain", 1, 6, NOON, True),
        ("former", 0, 10**12, NOON, False),
        ("former", 0, 10**12, NOON - SETTLED_US - 1, True),
        ("logs", 0, 10**12, NOON - SETTLED_US - 1, True),
        ("logs", 0, 10**12, NOON - SETTLED_US, False),
    ],
)
async def test_a_row_is_in_a_state_by_its_place_or_its_age(
    api: httpx.AsyncClient, store: Store, topic: str, partition: int, offset: int, received_at: int, there: bool
) -> None:
    store.add_logs(row("x", topic, partition, offset, received_at))
    answer = (await get(api)).json()
    assert (len(answer["logs"]), answer["total"]) == (there, there)


async def test_pages_and_counts_do_not_move_while_10000_rows_arrive(api: httpx.AsyncClient, store: Store) -> None:
    random = Random(7)
    store.add_logs(*(row(f"{n}", "logs", n % 2, n // 2) for n in range(90)))
    state = AsOf(NOON, {"logs": (45, 45)})
    before, totals = await pages(api, state)
    assert (len(before), totals) == (90, {90})
    for _ in range(10):
        late = (row("late", "logs", random.randrange(3), random.randrange(45, 5000)) for _ in range(1000))
        store.add_logs(*(each | {"timestamp": NOON + random.randrange(-5, 5)} for each in late))
        assert await pages(api, state) == (before, {90})
    assert (await get(api, None, limit=1)).json()["total"] == 10_090


async def test_the_headers_say_how_far_it_is_complete(store: Store) -> None:
    async def complete(table: str) -> Complete:
        assert table == "logs"
        return Complete(NOON, STATE)

    store.add_logs(row("x", "logs", 0, 99) | {"trace_id": "t"})
    store.add_errors({"event_id": "e", "trace_id": "t"})
    reader = Reader(store.url)
    async with client(reader, complete=complete) as api:
        for path in (LOGS, "/api/v1/events/e/logs"):
            first = await api.get(path)
            assert first.headers["x-complete-up-to"] == "2026-01-15T12:00:00.000Z"
            assert first.headers["x-as-of"] == encode_as_of(STATE)
            assert "x-complete-reason" not in first.headers
            earlier = encode_as_of(AsOf(NOON - SECOND, {"logs": (50,)}))
            narrowed = await api.get(path, params={"as_of": earlier})
            assert narrowed.headers["x-complete-up-to"] == "2026-01-15T11:59:59.000Z"
            assert narrowed.headers["x-as-of"] == earlier
            assert (first.json()["total"], narrowed.json()["total"]) == (1, 0)
    await reader.close()


async def test_without_a_queue_the_headers_say_why_nothing_is_known(api: httpx.AsyncClient, store: Store) -> None:
    answer = await get(api, None)
    assert (answer.headers["x-complete-up-to"], answer.headers["x-as-of"]) == ("null", "null")
    assert answer.headers["x-complete-reason"] == "this process does not ask the queue"


@pytest.mark.parametrize("text", ["x", "null", encode_as_of(STATE) + "A", "A" * 5000])
async def test_what_is_no_state_is_refused(api: httpx.AsyncClient, store: Store, text: str) -> None:
    answer = await api.get(LOGS, params={"as_of": text})
    assert answer.status_code == 422
    (issue,) = answer.json()["detail"]
    assert issue["loc"] == ["query", "as_of"]
    assert "X-As-Of" in issue["msg"]
