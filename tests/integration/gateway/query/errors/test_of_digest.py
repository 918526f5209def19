"""The errors that share a digest, over real ClickHouse (grouping.md, "Digests")."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from gateway.query import Reader
from gateway.query.errors.of_digest import errors_of_digest
from shared.envelope import VERSION, Stamp
from shared.fingerprint import CURRENT
from shared.formats.base import Rows
from shared.formats.deeptracer_errors import FORMAT, Error
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.read_api import DAY, NOON, Store

NEXT = json.loads((Path(__file__).parents[4] / "fixtures" / "next" / "reports.json").read_text())


def row_of(report: dict[str, Any], event_id: str) -> dict[str, Any]:
    """The row that the writer makes of a report."""
    body = {name: report[name] for name in ("error_message", "stack_trace", "context")} | {"service": report["side"]}
    stamp = Stamp(v=VERSION, format=FORMAT.name, project_id="p", received_at=NOON, retention_days=3650, n=1)
    stamp = msgspec.structs.replace(stamp, event_ids=(event_id,), fingerprint_version=CURRENT)
    rows = Rows()
    rows.add(stamp, [msgspec.json.decode(msgspec.json.encode(body), type=Error)])
    return {name: values[0] for name, values in FORMAT.columns(rows).items()}


async def found(reader: Reader, digest: str, **between: int) -> list[str]:
    times = {"start": NOON - DAY, "end": NOON + DAY} | between
    return [each.event_id for each in await errors_of_digest(reader, "p", digest, **times)]


async def test_both_halves_of_one_failure_of_next_are_found(explaining: Explaining, store: Store) -> None:
    reports = [report for report in NEXT["reports"] if report["next"] == "16.4.6"]
    store.add_errors(*(row_of(report, str(n)) for n, report in enumerate(reports)))
    (digest,) = {report["context"]["digest"] for report in reports if report["side"] == "browser"}
    halves = await errors_of_digest(explaining, "p", digest, NOON - DAY, NOON + DAY)
    assert {each.service for each in halves} == {"browser", "server"}
    assert len({each.fingerprint for each in halves}) == 2
    assert re.search(r"Name: digest\s+Description: bloom_filter", explaining.plans[0]), explaining.plans[0]
    assert re.search(r"PrimaryKey\s+Keys:\s+project_id\s+timestamp\s", explaining.plans[0]), explaining.plans[0]


async def test_it_is_asked_for_as_a_page_shows_it(explaining: Explaining, store: Store) -> None:
    store.add_errors({"event_id": "e", "digest": "77"}, {"event_id": "other", "digest": "770"}, {"event_id": "none"})
    for asked in ("77", " 77 ", "77@E394"):
        assert await found(explaining, asked) == ["e"]
    for asked in ("", "7", "78", "NEXT_NOT_FOUND", "NEXT_REDIRECT;replace;/;307;", "it's %s"):
        assert await found(explaining, asked) == []


async def test_the_newest_come_first_of_this_project_and_between_the_times(
    explaining: Explaining, store: Store
) -> None:
    store.add_errors(
        {"event_id": "old", "digest": "77", "timestamp": NOON - 1},
        {"event_id": "new", "digest": "77", "timestamp": NOON + 1},
        {"event_id": "theirs", "digest": "77", "project_id": "q"},
        {"event_id": "before", "digest": "77", "timestamp": NOON - 2},
    )
    assert await found(explaining, "77", start=NOON - 1, end=NOON + 1) == ["new", "old"]
    assert await found(explaining, "77", end=NOON) == ["old", "before"]
    assert await found(explaining, "77", limit=1) == ["new"]
