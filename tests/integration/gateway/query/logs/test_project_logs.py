"""`GET /api/v1/projects/{project_id}/logs` over real ClickHouse (contracts.md, "Reading logs")."""

from typing import Any

import httpx
import pytest

from gateway.query import Reader
from gateway.query.logs.filters import EQUAL
from gateway.query.logs.page import MAX_PAGE_BYTES
from gateway.query.place import MOST_EQUAL
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.read_api import DAY, NOON, Store, client

LOGS = "/api/v1/projects/p/logs"
SECOND = 1_000_000


async def messages(api: httpx.AsyncClient, **parameters: Any) -> list[str]:
    """The messages of an answer, in order."""
    answer = await api.get(LOGS, params=parameters)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"logs", "total", "has_more"}
    if "limit" not in parameters:
        assert body["total"] == len(body["logs"])
        assert body["has_more"] is False
    return [log["message"] for log in body["logs"]]


async def test_an_empty_project_has_no_logs(api: httpx.AsyncClient) -> None:
    answer = await api.get(LOGS)
    assert answer.text == '{"logs":[],"total":0,"has_more":false}'


async def test_a_log_has_exactly_the_seeds_keys_in_its_order(api: httpx.AsyncClient, store: Store) -> None:
    attributes = '{"error": "timeout",  "n":1.50, "http.status_code":200, "ü":"\\u00e9", "n":2}'
    store.add_logs(
        {
            "timestamp": NOON + 123_000,
            "level": "error",
            "message": "Database connection failed",
            "template": "Database connection failed: {error}",
            "attributes": attributes,
            "trace_id": "trace_abc123",
            "span_id": "span_xyz789",
            "user_id": "user_123",
            "account_id": "acct_456",
            "logger_name": "db.pool",
            "file_path": "src/db/pool.py",
            "line_number": 42,
            "function_name": "connect",
        }
    )
    answer = await api.get(LOGS)
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == (
        '{"logs":[{"timestamp":"2026-01-15T12:00:00.123Z","level":"error","message":"Database connection failed",'
        f'"template":"Database connection failed: {{error}}","attributes":{attributes},"trace_id":"trace_abc123",'
        '"span_id":"span_xyz789","user_id":"user_123","account_id":"acct_456","logger_name":"db.pool",'
        '"file_path":"src/db/pool.py","line_number":42,"function_name":"connect"}],"total":1,"has_more":false}'
    )


async def test_what_was_not_sent_is_null(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs({"message": "", "timestamp": NOON + 7})
    (log,) = (await api.get(LOGS)).json()["logs"]
    assert log == {
        "timestamp": "2026-01-15T12:00:00.000007Z",
        "level": "info",
        "message": "",
        "template": None,
        "attributes": {},
        "trace_id": None,
        "span_id": None,
        "user_id": None,
        "account_id": None,
        "logger_name": None,
        "file_path": None,
        "line_number": None,
        "function_name": None,
    }


async def test_the_newest_come_first_and_the_order_is_total(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs(
        {"message": "oldest", "timestamp": NOON - 1},
        {"message": "offset 2", "_offset": 2, "received_at": NOON},
        {"message": "offset 1, index 1", "_offset": 1, "_index": 1, "received_at": NOON},
        {"message": "offset 1, index 0", "_offset": 1, "_index": 0, "received_at": NOON},
        {"message": "arrived last", "_offset": 0, "received_at": NOON + 1},
        {"message": "newest", "timestamp": NOON + 1},
    )
    assert await messages(api) == [
        "newest", "arrived last", "offset 2", "offset 1, index 1", "offset 1, index 0", "oldest",
    ]  # fmt: skip


async def test_levels_are_joined_in_any_case(api: httpx.AsyncClient, store: Store) -> None:
    for n, level in enumerate(("trace", "debug", "info", "warn", "error", "fatal")):
        store.add_logs({"level": level, "message": level, "timestamp": NOON - n})
    assert await messages(api, levels="error,WARN") == ["warn", "error"]
    assert await messages(api, levels=["fatal", "warning, trace"]) == ["trace", "warn", "fatal"]
    assert len(await messages(api, levels="")) == 6
    assert len(await messages(api, levels=",")) == 6


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("DATABASE", ["Database gone"]),
        ("ase go", ["Database gone"]),
        ("100%", ["100% sure_thing"]),
        ("%", ["100% sure_thing"]),
        ("e_t", ["100% sure_thing"]),
        ("_", ["100% sure_thing"]),
        ("\\", ["C:\\temp\nnext"]),
        ("temp\nNEXT", ["C:\\temp\nnext"]),
        ("ÄRGER", ["ärger 😀"]),
        ("😀", ["ärger 😀"]),
        ("'; DROP TABLE logs --", []),
        ("%(project_id)s", []),
    ],
)
async def test_search_is_a_literal_substring_in_any_case(
    api: httpx.AsyncClient, store: Store, search: str, found: list[str]
) -> None:
    for message in ("Database gone", "100% sure_thing", "C:\\temp\nnext", "ärger 😀"):
        store.add_logs({"message": message})
    assert await messages(api, search=search) == found


async def test_times_are_inclusive_and_read_leniently(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs(*({"message": str(n), "timestamp": NOON + n * SECOND} for n in range(4)))
    store.add_logs({"message": "next day", "timestamp": NOON + DAY})
    first, last = "2026-01-15T12:00:01Z", "2026-01-15T12:00:02.000Z"
    assert await messages(api, start_time=first, end_time=last) == ["2", "1"]
    assert await messages(api, start_time=first, end_time="2026-01-15") == ["3", "2", "1"]
    assert await messages(api, start_time="2026-01-16") == ["next day"]
    assert await messages(api, end_time="2026-01-15T12:00:00") == ["0"]
    assert await messages(api, start_time="2026-01-15T14:00:03+02:00", end_time="2026-01-15") == ["3"]
    unescaped = await api.get(f"{LOGS}?start_time=2026-01-15T14:00:03+02:00&end_time=2026-01-15")
    assert [log["message"] for log in unescaped.json()["logs"]] == ["3"]


async def test_a_log_that_arrived_late_or_with_a_fast_clock_is_in_its_range(
    api: httpx.AsyncClient, store: Store
) -> None:
    store.add_logs(
        {"message": "fast clock", "timestamp": NOON, "received_at": NOON - 600 * SECOND},
        {"message": "late", "timestamp": NOON, "received_at": NOON + 9 * DAY},
    )
    exactly = {"start_time": "2026-01-15T12:00:00Z", "end_time": "2026-01-15T12:00:00Z"}
    assert await messages(api, **exactly) == ["late", "fast clock"]


@pytest.mark.parametrize("column", EQUAL)
async def test_the_other_filters_compare_whole_values(api: httpx.AsyncClient, store: Store, column: str) -> None:
    store.add_logs({column: "it's", "message": "yes"}, {column: "it's not", "message": "no"}, {"message": "none"})
    assert await messages(api, **{column: "it's"}) == ["yes"]


async def test_vercels_id_of_a_request_is_found_with_and_without_regions(api: httpx.AsyncClient, store: Store) -> None:
    vercel_id = "abcde-1700000000000-0123456789ab"
    store.add_logs({"vercel_id": vercel_id, "message": "yes"}, {"vercel_id": f"{vercel_id}0", "message": "no"})
    for given in (vercel_id, f"fra1::{vercel_id}", f"fra1::iad1::{vercel_id}"):
        assert await messages(api, vercel_id=given, include="vercel_id") == ["yes"]
    assert await messages(api, vercel_id="fra1::") == []


async def test_a_digest_that_next_printed_is_found_in_the_log(api: httpx.AsyncClient, store: Store) -> None:
    printed = "⨯ TypeError: order 42 has no lines\n    at d (.next/server/a.js:1:2926) {\n  digest: '1699992675'\n}"
    store.add_logs({"message": printed}, {"message": "other"})
    assert await messages(api, search="1699992675") == [printed]


async def test_a_filter_longer_than_its_column_finds_what_was_cut(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs({"service": "s" * 256, "message": "cut"})
    assert await messages(api, service="s" * 300) == ["cut"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"attr.n": "3"}, ["text", "number"]),
        ({"attr.n": "3.0"}, ["number"]),
        ({"attr.big": "12345678901234567890"}, ["number"]),
        ({"attr.f": "1.5"}, ["number"]),
        ({"attr.f": "1.50"}, ["number"]),
        ({"attr.e": "1000"}, []),
        ({"attr.e": "1e3"}, ["number"]),
        ({"attr.ok": "true"}, ["number"]),
        ({"attr.none": "null"}, ["number"]),
        ({"attr.missing": "null"}, []),
        ({"attr.deep.key": "x"}, ["text"]),
        ({"attr.http.status_code": "200"}, ["literal first"]),
        ({"attr.http.status_code": "404"}, ["path"]),
        ({"attr.n": "3", "attr.deep.key": "x"}, ["text"]),
        ({"attr.list": "[1]"}, []),
        ({"attr.deep": '{"key":"x"}'}, []),
        ({"attr.escaped": 'é"\n'}, ["text"]),
        ({"attr.é": "ü"}, ["text"]),
        ({"attr.it's": "a'b\\"}, ["text"]),
        ({"attr.n": ""}, ["path", "literal first", "text", "number", "nothing"]),
    ],
)
async def test_attributes_are_compared_by_the_text_of_their_scalars(
    api: httpx.AsyncClient, store: Store, given: dict[str, str], found: list[str]
) -> None:
    rows = {
        "nothing": "",
        "number": '{"n":3,"big":12345678901234567890,"f":1.50,"e":1e3,"ok":true,"none":null,"list":[1]}',
        "text": '{"n":"3","deep":{"key":"x"},"escaped":"\\u00e9\\"\\n","\\u00e9":"ü","it\'s":"a\'b\\\\"}',
        "literal first": '{"http.status_code":200,"http":{"status_code":404}}',
        "path": '{"http":{"status_code":404}}',
    }
    store.add_logs(
        *({"message": name, "attributes": text, "timestamp": NOON + n} for n, (name, text) in enumerate(rows.items()))
    )
    assert await messages(api, **given) == found


async def test_include_adds_columns_behind_the_13(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs({"service": "api", "user": '{"plan":"pro"}', "received_at": NOON + 1, "_partition": 0})
    answer = await api.get(LOGS, params={"include": "service,user,account,received_at,_partition,release"})
    (log,) = answer.json()["logs"]
    assert list(log)[13:] == ["service", "user", "account", "received_at", "_partition", "release"]
    assert list(log.values())[13:] == ["api", {"plan": "pro"}, None, "2026-01-15T12:00:00.000001Z", 0, None]


async def test_a_resource_is_an_object_unless_it_was_cut(api: httpx.AsyncClient, store: Store) -> None:
    resources = ['{"host.name":"web"}', '{"host.name":"w', ""]
    store.add_logs(*({"resource": text, "timestamp": NOON - n} for n, text in enumerate(resources)))
    logs = (await api.get(LOGS, params={"include": "resource"})).json()["logs"]
    assert [log["resource"] for log in logs] == [{"host.name": "web"}, None, None]


async def test_pages_by_offset_count_all_matches(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs(*({"message": str(n), "timestamp": NOON - n} for n in range(250)))
    pages = [(await api.get(LOGS, params={"offset": offset})).json() for offset in (0, 100, 200, 250, 300)]
    assert [(len(page["logs"]), page["total"], page["has_more"]) for page in pages] == [
        (100, 250, True), (100, 250, True), (50, 250, False), (0, 250, False), (0, 250, False),
    ]  # fmt: skip
    assert [log["message"] for page in pages for log in page["logs"]] == [str(n) for n in range(250)]


async def test_pages_by_cursor_go_on_where_the_last_one_ended(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs(*({"message": str(n), "_offset": 1, "_index": 9 - n, "received_at": NOON} for n in range(10)))
    seen, url = [], f"{LOGS}?limit=4&levels=info&search="
    while url:
        answer = await api.get(url)
        body = answer.json()
        assert body["total"] == 10
        seen += [log["message"] for log in body["logs"]]
        store.add_logs({"message": "newer", "timestamp": NOON + 1, "level": "warn"})
        assert body["has_more"] is ("next" in answer.links)
        url = answer.links.get("next", {}).get("url", "")
    assert seen == [str(n) for n in range(10)]


@pytest.mark.parametrize("more", [{}, {"budget": 1_000_000}, {"q": "m"}])
async def test_topics_whose_rows_are_equal_in_the_stored_order_are_paged_without_a_gap_or_a_repeat(
    api: httpx.AsyncClient, store: Store, more: dict[str, Any]
) -> None:
    topics = [f"topic {n}" for n in range(MOST_EQUAL)]
    same = {"_partition": 1, "_offset": 2, "_index": 3}
    store.add_logs(*({**same, "_topic": topic, "message": f"m {topic}"} for topic in topics[::2] + topics[1::2]))
    answer = await api.get(LOGS, params={"limit": 3, **more})
    found = [log["message"] for log in answer.json()["logs"]]
    while "next" in answer.links:
        answer = await api.get(answer.links["next"]["url"])
        found += [log["message"] for log in answer.json()["logs"]]
    assert found == [f"m {topic}" for topic in reversed(topics)]
    by_offset = [message for n in range(0, MOST_EQUAL, 3) for message in await messages(api, limit=3, offset=n)]
    assert by_offset == found


async def test_a_page_is_read_in_the_stored_order(explaining: Explaining, store: Store) -> None:
    store.add_logs({})
    async with client(explaining) as api:
        assert (await api.get(LOGS, params={"q": "m"})).status_code == 200
    (plan,) = explaining.plans
    stored = "timestamp DESC, received_at DESC, _partition DESC, _offset DESC, _index DESC"
    assert f"Prefix sort description: {stored}\nResult sort description: {stored}\n" in plan


async def test_nobody_sees_another_projects_logs(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs({"message": "mine"}, {"message": "theirs", "project_id": "q", "trace_id": "t"})
    assert await messages(api) == ["mine"]
    assert await messages(api, trace_id="t") == []
    for project in ("q", "unknown", "P", "p%20"):
        answer = await api.get(f"/api/v1/projects/{project}/logs")
        assert (answer.status_code, answer.text) == (404, '{"detail":"Project not found"}')


@pytest.mark.parametrize(
    ("key", "status", "detail"),
    [("", 401, "Invalid API key"), ("nobody", 401, "Invalid API key"), ("sender", 403, "API key lacks the read scope")],
)
async def test_a_key_must_be_known_and_may_have_to_be_another(store: Store, key: str, status: int, detail: str) -> None:
    reader = Reader(store.url)
    async with client(reader, key) as http:
        answer = await http.get(LOGS, params={"limit": "nonsense"})
    await reader.close()
    assert (answer.status_code, answer.json()) == (status, {"detail": detail})


async def test_a_trailing_slash_and_head_are_served(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs({"message": "x"})
    plain = await api.get(LOGS)
    assert (await api.get(f"{LOGS}/")).text == plain.text
    head = await api.head(LOGS)
    assert head.status_code == 200
    assert head.headers["content-length"] == plain.headers["content-length"]
    assert (await api.post(LOGS)).status_code == 405


async def test_a_page_ends_where_it_is_large_enough_and_says_where_to_go_on(
    api: httpx.AsyncClient, store: Store
) -> None:
    store.add_logs(*({"message": f"{n} " + "x" * 500_000, "timestamp": NOON - n} for n in range(40)))
    seen, url, pages = [], f"{LOGS}?limit=150", 0
    while url:
        answer = await api.get(url)
        body = answer.json()
        assert answer.status_code == 200
        assert len(answer.content) < MAX_PAGE_BYTES + 1_000_000
        assert body["total"] == 40
        assert body["has_more"] is ("next" in answer.links)
        seen += [log["message"].partition(" ")[0] for log in body["logs"]]
        url, pages = answer.links.get("next", {}).get("url", ""), pages + 1
    assert seen == [str(n) for n in range(40)]
    assert pages == 3


async def test_text_that_grows_when_it_is_escaped_ends_a_page_sooner(api: httpx.AsyncClient, store: Store) -> None:
    store.add_logs(*({"message": "\x01" * 500_000, "timestamp": NOON - n} for n in range(8)))
    answer = await api.get(LOGS)
    assert len(answer.content) < MAX_PAGE_BYTES + 4_000_000
    assert answer.json()["has_more"] is True
    offset = len(answer.json()["logs"])
    rest = (await api.get(LOGS, params={"offset": offset})).json()
    assert 0 < len(rest["logs"]) <= 8 - offset
