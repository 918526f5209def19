"""`GET /api/v1/events/{event_id}` over real ClickHouse (events.md, "Reading an event")."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from gateway.mapping.mapper import StoredMapper
from gateway.query import Reader
from tests.bundles import NAMES, MemoryBlobs, MemoryIndex, built, maps_of, stack
from tests.integration.gateway.query.read_api import NOON, Store, client

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def index(blobs: MemoryBlobs) -> Any:
    return MemoryIndex(blobs)


@pytest.fixture
async def mapper(index: Any, blobs: MemoryBlobs) -> AsyncIterator[StoredMapper]:
    made = StoredMapper(index, blobs)
    yield made
    await made.close()


@pytest.fixture
async def api(store: Store, mapper: StoredMapper) -> AsyncIterator[httpx.AsyncClient]:
    reader = Reader(store.url)
    async with client(reader, mapper=mapper) as http:
        yield http
    await reader.close()


async def event(api: httpx.AsyncClient, event_id: str = "e1") -> dict[str, Any]:
    answer = await api.get(f"/api/v1/events/{quote(event_id, safe='')}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def said(error: dict[str, Any]) -> list[str]:
    mapped = [frame["mapped"] for frame in error["frames"]]
    return [f"{m['source'].rpartition('/')[2]}:{m['line']}" if "source" in m else m["status"] for m in mapped]


async def test_the_stored_columns_come_back(api: httpx.AsyncClient, store: Store) -> None:
    store.add_errors(
        {
            "event_id": "e1",
            "error_message": "🛒 m",
            "stack_trace": "no stack",
            "timestamp": NOON,
            "attributes": '{"a":1}',
            "user_id": "u",
            "_partition": 2,
            "_offset": 99,
            "_index": 4,
        }
    )
    body = await event(api)
    assert (body["event_id"], body["error_message"], body["stack_trace"]) == ("e1", "🛒 m", "no stack")
    assert (body["timestamp"], body["attributes"], body["user_id"]) == ("2026-01-15T12:00:00.000Z", {"a": 1}, "u")
    assert body["place"] == {"topic": "errors", "partition": 2, "offset": 99, "index": 4}


@pytest.mark.parametrize("name", NAMES)
async def test_frames_of_each_bundle_are_mapped_once_its_map_is_there(
    api: httpx.AsyncClient, store: Store, index: MemoryIndex, name: str
) -> None:
    store.add_errors({"event_id": "e1", "stack_trace": stack(name), "release": "1"})
    (before,) = (await event(api))["errors"]
    assert (before["type"], before["message"]) == ("RangeError", "🛒🛒🛒 price of gift is negative")
    assert set(said(before)) == {"no_map_for_release", "runtime"}
    index.upload("p", "1", maps_of(name))
    (after,) = (await event(api))["errors"]
    assert said(after)[:6] == ["cart.ts:22", "cart.ts:16", "runtime", "cart.ts:16", "main.ts:8", "main.ts:16"]
    assert after["frames"][0]["mapped"]["context_line"].strip().startswith("throw new RangeError")
    assert after["frames"][0]["line"] == 1


async def test_another_projects_maps_and_events_are_unknown(
    api: httpx.AsyncClient, store: Store, index: MemoryIndex
) -> None:
    index.upload("q", "1", built("webpack"))
    store.add_errors({"event_id": "e1", "stack_trace": stack("webpack"), "release": "1"})
    store.add_errors({"event_id": "theirs", "project_id": "q"})
    assert set(said((await event(api))["errors"][0])) == {"no_map_for_release", "runtime"}
    for event_id in ("unknown", "theirs", "x" * 129, ""):
        answer = await api.get(f"/api/v1/events/{event_id}")
        assert (answer.status_code, answer.text) == (404, '{"detail":"Event not found"}'), event_id


async def test_debug_ids_of_the_event_find_the_map(api: httpx.AsyncClient, store: Store, index: MemoryIndex) -> None:
    (content,) = maps_of("vite").values()
    index.upload("p", "another", {"x.map": content}, {"x.map": UUID})
    file = "https://shop.example/assets/main-rvZ4i8zs.js?v=1"
    meta = f'{{"debug_meta":{{"images":[{{"type":"sourcemap","code_file":"{file}","debug_id":"{UUID}"}}]}}}}'
    for column in ("attributes", "extra"):
        store.add_errors({"event_id": column, "stack_trace": stack("vite"), column: meta})
        assert said((await event(api, column))["errors"][0])[0] == "cart.ts:22"


async def test_an_event_id_is_any_text(api: httpx.AsyncClient, store: Store) -> None:
    for event_id in ("a/b", "it's %s", "ü😀", "x" * 128, "logs", "a/logs/b"):
        store.add_errors({"event_id": event_id, "error_message": event_id})
        assert (await event(api, event_id))["error_message"] == event_id
    store.add_errors({"event_id": UUID.upper(), "error_message": "a UUID"})
    assert (await event(api, UUID.replace("-", "")))["error_message"] == "a UUID"


async def test_of_two_errors_with_one_id_the_last_to_arrive_counts(api: httpx.AsyncClient, store: Store) -> None:
    store.add_errors(
        {"event_id": "e1", "error_message": "old", "received_at": NOON},
        {"event_id": "e1", "error_message": "new", "received_at": NOON + 1},
    )
    assert (await event(api))["error_message"] == "new"


async def test_the_order_of_refusals(store: Store) -> None:
    store.add_errors({"event_id": "e1"})
    reader = Reader(store.url)
    for key, path, status in [
        ("", "e1?x=1", 401),
        ("sender", "e1?x=1", 403),
        ("reader", "unknown?x=1", 422),
        ("reader", "unknown", 404),
        ("stranger", "e1", 404),
        ("reader", "e1", 200),
        ("reader", "e1/", 200),
    ]:
        async with client(reader, key) as http:
            assert (await http.get(f"/api/v1/events/{path}")).status_code == status, (key, path)
    await reader.close()


async def test_stores_that_are_away_leave_the_event(
    api: httpx.AsyncClient, store: Store, index: MemoryIndex, blobs: MemoryBlobs
) -> None:
    store.add_errors({"event_id": "e1", "stack_trace": stack("vite"), "release": "1"})
    index.upload("p", "1", maps_of("vite"))
    index.is_away = True
    assert set(said((await event(api))["errors"][0])) == {"try_again", "runtime"}
    index.is_away, blobs.is_away = False, True
    assert set(said((await event(api))["errors"][0])) == {"try_again", "runtime"}


async def test_a_hostile_map_leaves_the_event(
    api: httpx.AsyncClient, store: Store, index: MemoryIndex, blobs: MemoryBlobs
) -> None:
    store.add_errors({"event_id": "e1", "stack_trace": stack("vite"), "release": "1"})
    bomb = b'{"version":3,"sources":[' + b'"",' * 13_000_000 + b'"a"],"names":[],"mappings":"A"}'
    index.upload("p", "1", {"assets/main-rvZ4i8zs.js.map": bomb})
    assert set(said((await event(api))["errors"][0])) == {"map_unreadable", "runtime"}
    index.upload("p", "1", maps_of("vite"))
    assert said((await event(api))["errors"][0])[0] == "cart.ts:22"


async def test_a_large_event_is_answered_whole(api: httpx.AsyncClient, store: Store) -> None:
    long = "Error: x\n" + "    at f (https://x.example/a.js:1:2)\n" * 20_000
    store.add_errors({"event_id": "e1", "stack_trace": long, "attributes": '{"a":"' + "y" * 900_000 + '"}'})
    body = await event(api)
    assert body["stack_trace"] == long
    assert 500 < len(body["errors"][0]["frames"]) <= 1000


async def test_clickhouse_away_is_503() -> None:
    reader = Reader("clickhouse://127.0.0.1:1/nowhere", timeout_s=1)
    async with client(reader) as http:
        assert (await http.get("/api/v1/events/e1")).status_code == 503
    await reader.close()
