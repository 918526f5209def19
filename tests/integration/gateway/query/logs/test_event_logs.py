"""`GET /api/v1/events/{event_id}/logs` over real ClickHouse (contracts.md, "Logs of an error")."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from gateway.query import Reader
from tests.integration.gateway.query.read_api import NOON, Store, client

MINUTE = 60_000_000


async def found(api: httpx.AsyncClient, event_id: str = "e1") -> list[str]:
    answer = await api.get(f"/api/v1/events/{event_id}/logs")
    assert answer.status_code == 200, answer.text
    return [log["message"] for log in answer.json()["logs"]]


async def test_the_logs_of_the_trace_within_five_minutes_come_oldest_first(
    api: httpx.AsyncClient, store: Store
) -> None:
    store.add_errors({"event_id": "e1", "trace_id": "t", "timestamp": NOON})
    store.add_logs(
        {"message": "too late", "trace_id": "t", "timestamp": NOON + 5 * MINUTE + 1},
        {"message": "last", "trace_id": "t", "timestamp": NOON + 5 * MINUTE},
        {"message": "another trace", "trace_id": "t2"},
        {"message": "first", "trace_id": "t", "timestamp": NOON - 5 * MINUTE},
        {"message": "too early", "trace_id": "t", "timestamp": NOON - 5 * MINUTE - 1},
        {"message": "another project", "trace_id": "t", "project_id": "q"},
    )
    assert await found(api) == ["first", "last"]


async def test_an_error_without_trace_has_no_logs(api: httpx.AsyncClient, store: Store) -> None:
    store.add_errors({"event_id": "e1"})
    store.add_logs({"message": "without trace too"})
    answer = await api.get("/api/v1/events/e1/logs")
    assert (answer.status_code, answer.text) == (200, '{"logs":[],"total":0,"has_more":false}')


async def test_an_unknown_event_and_another_projects_are_not_found(api: httpx.AsyncClient, store: Store) -> None:
    store.add_errors({"event_id": "theirs", "trace_id": "t", "project_id": "q"})
    for event_id in ("unknown", "theirs", "x" * 129, ""):
        answer = await api.get(f"/api/v1/events/{event_id}/logs")
        assert (answer.status_code, answer.text) == (404, '{"detail":"Event not found"}'), event_id


async def test_an_event_id_is_any_text(api: httpx.AsyncClient, store: Store) -> None:
    for event_id in ("a/b", "it's %s", "ü😀", "x" * 128, "logs"):
        store.add_errors({"event_id": event_id, "trace_id": event_id})
        store.add_logs({"message": event_id, "trace_id": event_id})
        assert await found(api, quote(event_id, safe="")) == [event_id]


async def test_of_two_errors_with_one_id_the_last_to_arrive_counts(api: httpx.AsyncClient, store: Store) -> None:
    store.add_errors(
        {"event_id": "e1", "trace_id": "old", "received_at": NOON},
        {"event_id": "e1", "trace_id": "new", "received_at": NOON + 1},
    )
    store.add_logs({"message": "of the new one", "trace_id": "new"}, {"message": "of the old one", "trace_id": "old"})
    assert await found(api) == ["of the new one"]


async def test_at_most_10_000_are_given_and_the_rest_is_more(api: httpx.AsyncClient, store: Store) -> None:
    store.add_errors({"event_id": "e1", "trace_id": "t"})
    store.add_logs(*({"message": str(n), "trace_id": "t", "timestamp": NOON + n} for n in range(10_050)))
    body = (await api.get("/api/v1/events/e1/logs")).json()
    assert (len(body["logs"]), body["total"], body["has_more"]) == (10_000, 10_050, True)
    assert body["logs"][-1]["message"] == "9999"


async def test_logs_too_large_for_a_page_go_on_in_the_next(api: httpx.AsyncClient, store: Store) -> None:
    store.add_errors({"event_id": "e1", "trace_id": "t"})
    store.add_logs(*({"message": f"{n} " + "x" * 500_000, "trace_id": "t", "timestamp": NOON + n} for n in range(40)))
    seen, url = [], "/api/v1/events/e1/logs"
    while url:
        answer = await api.get(url)
        body = answer.json()
        assert (body["total"], body["has_more"]) == (40, "next" in answer.links)
        assert 1 < len(body["logs"]) < 20
        seen += [log["message"].partition(" ")[0] for log in body["logs"]]
        url = answer.links.get("next", {}).get("url", "")
    assert seen == [str(n) for n in range(40)]


async def test_other_parameters_than_include_and_cursor_are_refused(api: httpx.AsyncClient, store: Store) -> None:
    store.add_errors({"event_id": "e1", "trace_id": "t"})
    store.add_logs({"trace_id": "t", "service": "api"})
    answer = await api.get("/api/v1/events/e1/logs", params={"limit": 5})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "limit"])
    answer = await api.get("/api/v1/events/e1/logs/", params={"include": "service"})
    assert answer.json()["logs"][0]["service"] == "api"


async def test_a_key_must_have_the_read_scope(store: Store) -> None:
    reader = Reader(store.url)
    async with client(reader, "sender") as http:
        assert (await http.get("/api/v1/events/e1/logs")).status_code == 403
    async with client(reader, "") as http:
        assert (await http.get("/api/v1/events/e1/logs")).status_code == 401
    await reader.close()


@pytest.mark.parametrize("stored", [str, str.upper, lambda text: text.replace("-", "")])
async def test_a_uuid_is_found_in_any_spelling(api: httpx.AsyncClient, store: Store, stored: Any) -> None:
    uuid = "0f8fad5b-d9cb-469f-a165-7086772895ae"
    store.add_errors({"event_id": stored(uuid), "trace_id": "t"})
    store.add_logs({"message": "m", "trace_id": "t"})
    plain = uuid.replace("-", "")
    for asked in (uuid, uuid.upper(), plain, plain.upper(), uuid.title(), plain[:9] + plain[9:].upper()):
        assert await found(api, asked) == ["m"]
    for other in (plain[:-1], plain + "0", uuid.replace("-", "", 1), "{" + uuid + "}"):
        assert (await api.get(f"/api/v1/events/{quote(other)}/logs")).status_code == 404
