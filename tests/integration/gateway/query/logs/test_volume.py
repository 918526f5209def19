"""How many logs a range has, bucket by bucket."""

import httpx

from tests.integration.gateway.query.read_api import NOON, Store

MINUTE = 60_000_000


async def test_every_bucket_of_the_range_is_there(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs(
        {"timestamp": NOON, "level": "error"},
        {"timestamp": NOON + 5 * MINUTE, "level": "info"},
        {"timestamp": NOON + 5 * MINUTE + 1, "level": "info"},
        {"timestamp": NOON + 61 * MINUTE},
        {"timestamp": NOON, "project_id": "q"},
    )
    answer = await api.get(
        "/api/v1/projects/p/logs/volume",
        params={"start_time": "2026-01-15T12:00:00Z", "end_time": "2026-01-15T13:00:00Z", "buckets": 61},
    )
    assert answer.status_code == 200, answer.text
    volume = answer.json()
    assert volume["range"] == {"start": "2026-01-15T12:00:00.000Z", "end": "2026-01-15T13:00:00.000Z"}
    assert volume["bucket_s"] == 60
    assert volume["total"] == 3
    assert len(volume["buckets"]) == 61
    assert volume["buckets"][0] == {"time": "2026-01-15T12:00:00.000Z", "counts": {"error": 1}}
    assert volume["buckets"][1]["counts"] == {}
    assert volume["buckets"][5]["counts"] == {"info": 2}


async def test_a_query_narrows_it(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs({"timestamp": NOON, "message": "card declined"}, {"timestamp": NOON, "message": "paid"})
    params = {"start_time": "2026-01-15T12:00:00Z", "end_time": "2026-01-15T13:00:00Z", "q": "card"}
    answer = await api.get("/api/v1/projects/p/logs/volume", params=params)
    assert answer.json()["total"] == 1


async def test_a_bad_range_is_named(store: Store, api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/projects/p/logs/volume", params={"last": "forever", "by": "colour"})
    assert answer.status_code == 422
    assert [each["loc"][1] for each in answer.json()["detail"]] == ["last", "by"]
