"""The errors that share a digest, asked for by `q` (grouping.md, "Digests")."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec

from shared.envelope import VERSION, Stamp
from shared.fingerprint import CURRENT
from shared.formats.base import Rows
from shared.formats.deeptracer_errors import FORMAT, Error
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.read_api import NOON, Store, client

NEXT = json.loads((Path(__file__).parents[4] / "fixtures" / "next" / "reports.json").read_text())
RANGE = {"start_time": "2026-01-15T11:00:00Z", "end_time": "2026-01-15T13:00:00Z"}


def row_of(report: dict[str, Any], event_id: str) -> dict[str, Any]:
    """The row that the writer makes of a report."""
    body = {name: report[name] for name in ("error_message", "stack_trace", "context")} | {"service": report["side"]}
    stamp = Stamp(v=VERSION, format=FORMAT.name, project_id="p", received_at=NOON, retention_days=3650, n=1)
    stamp = msgspec.structs.replace(stamp, event_ids=(event_id,), fingerprint_version=CURRENT)
    rows = Rows()
    rows.add(stamp, [msgspec.json.decode(msgspec.json.encode(body), type=Error)])
    return {name: values[0] for name, values in FORMAT.columns(rows).items()}


async def groups(api: httpx.AsyncClient, q: str) -> list[dict[str, Any]]:
    answer = await api.get("/api/v1/projects/p/errors", params={"q": q, **RANGE})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["groups"]
    return found


async def test_both_halves_of_one_failure_of_next_are_found(explaining: Explaining, store: Store) -> None:
    reports = [report for report in NEXT["reports"] if report["next"] == "16.4.6"]
    store.add_errors(*(row_of(report, str(n)) for n, report in enumerate(reports)), {"event_id": "other"})
    (digest,) = {report["context"]["digest"] for report in reports if report["side"] == "browser"}
    async with client(explaining) as api:
        halves = await groups(api, f"digest:{digest}")
    assert len({each["fingerprint"] for each in halves}) == len(halves) == 2
    assert {service for each in halves for service in each["services"]} == {"browser", "server"}
    assert any(re.search(r"Name: digest\s+Description: bloom_filter", plan) for plan in explaining.plans)


async def test_it_is_asked_for_as_a_page_shows_it(store: Store, api: httpx.AsyncClient) -> None:
    store.add_errors({"digest": "77"}, {"digest": "770"}, {"event_id": "none"}, {"digest": "77", "project_id": "q"})
    for asked in ("77", '" 77 "', "77@E394"):
        assert [each["count"] for each in await groups(api, f"digest:{asked}")] == [1]
    for asked in ("7", "78", "NEXT_NOT_FOUND", '"NEXT_REDIRECT;replace;/;307;"', '"it\'s %s"'):
        assert await groups(api, f"digest:{asked}") == []


async def test_vercels_id_is_found_with_and_without_its_regions(store: Store, api: httpx.AsyncClient) -> None:
    named = "abcde-1700000000000-0123456789ab"
    store.add_errors({"vercel_id": named}, {"vercel_id": ""})
    for asked in (named, f"fra1::iad1::{named}"):
        assert [each["count"] for each in await groups(api, f"vercel:{asked}")] == [1]
