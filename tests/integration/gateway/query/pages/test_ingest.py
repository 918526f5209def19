"""The page Ingest (pages.md, "Ingest"): what is stored, how far the writers are, and dead letters."""

import re
import secrets
from collections.abc import AsyncIterator

import msgspec
import pytest

from shared.ages import bucket_of
from shared.clients.postgres import Postgres, PostgresUnavailable, connect
from shared.envelope import seal
from shared.hourly_counts import HourlyCounts
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from shared.queue.base import Lane, Message, Queue, QueueUnavailable
from shared.registry import load
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, links_in
from tests.integration.gateway.query.pages.conftest import OpenBrowser
from tests.integration.gateway.query.pages.test_pages import EVIL, is_harmless, text_of
from tests.integration.gateway.query.pages.test_settings import member
from tests.integration.gateway.query.read_api import NOON, Store
from tests.integration.writer.records import logs, stamp
from writer.dead_letters import gap, letter

HOUR = 3_600_000_000
RANGE = "start_time=2026-01-15T09:10:00Z&end_time=2026-01-15T12:10:00Z"


def facts(html: str) -> dict[str, str]:
    return {text_of(name): text_of(value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html)}


def rows(html: str, region: str) -> list[list[str]]:
    table = html.partition(f'aria-label="{region}"')[2].partition("</table>")[0]
    found = re.findall(r"<tr.*?</tr>", table.partition("<tbody>")[2], re.S)
    return [[text_of(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)] for row in found]


@pytest.mark.usefixtures("counts")
async def test_what_is_stored_is_counted_by_hour_and_signal(store: Store, reader: Browser) -> None:
    store.add_logs({"received_at": NOON}, {"received_at": NOON - 1}, {"received_at": NOON - 4 * HOUR})
    store.add_logs({"project_id": "q"})
    store.add_spans(*[{"received_at": NOON + 9}] * 3)
    store.add_errors({"received_at": NOON - 2 * HOUR})
    html = await reader.shown(f"/p/p/ingest?{RANGE}")
    assert facts(html)["Stored"] == "6"
    assert [(row[0], row[4]) for row in rows(html, "Signals")] == [
        ("logs", "2"), ("errors", "1"), ("calls to models", "0"), ("spans", "3")
    ]  # fmt: skip
    assert rows(html, "Stored by hour and signal") == [
        ["15 Jan 09:00", "0", "0", "0", "0"],
        ["15 Jan 10:00", "0", "1", "0", "0"],
        ["15 Jan 11:00", "1", "0", "0", "0"],
        ["15 Jan 12:00", "1", "0", "0", "3"],
    ]
    assert "sluice audit --from 2026-01-15T09:00:00.000Z --to 2026-01-15T12:59:59.999999Z" in html
    by_day = await reader.shown("/p/p/ingest?start_time=2026-01-01&end_time=2026-01-31")
    assert ["15 Jan 00:00", "3", "1", "0", "3"] in rows(by_day, "Stored by day and signal")


@pytest.fixture
async def counts(keys_url: str) -> AsyncIterator[HourlyCounts]:
    """To be counted with, then flushed. Nothing was counted before."""
    postgres = Postgres(keys_url)
    with connect(keys_url) as db:
        db.execute("TRUNCATE hourly_counts")
    yield HourlyCounts(postgres, lambda: NOON * 1000)
    await postgres.close()


async def test_what_was_counted_is_told_with_what_to_do(store: Store, reader: Browser, counts: HourlyCounts) -> None:
    store.add_logs({"received_at": NOON}, {"received_at": NOON})
    counts.add("p", "logs", "accepted", 1, NOON - HOUR)
    counts.add("p", "drain", "accepted", 2, NOON)
    counts.add("p", "errors", "derived", 4, NOON)
    counts.add("p", "metrics", "dropped", 8, NOON, "metrics_unsupported")
    counts.add("p", "logs", "refused", 1000, NOON, "rate_limited")
    counts.add("p", "llm", "refused", 30, NOON - HOUR, "rate_limited")
    for n in range(7):
        counts.add("p", "traces", "refused", 1 + n, NOON, EVIL * n)
    counts.add("q", "logs", "refused", 7, NOON, "invalid")
    for age_us, n in ((500_000, 60), (2_000_000, 39), (30_000_000, 1)):
        counts.add("p", "logs", "age", n, NOON, bucket_of(age_us))
    await counts.flush()
    html = await reader.shown(f"/p/p/ingest?{RANGE}")
    is_harmless(html)
    assert (facts(html)["Accepted"], facts(html)["Refused"]) == ("7", "1,058")
    assert facts(html)["Freshness p50, p99"] == "470 ms, 1.9 s"
    assert "counted by the gateways since 15 Jan 11:00" in text_of(html)
    assert [row[:5] for row in rows(html, "Signals")] == [
        ["logs", "3", "0", "0", "2"], ["errors", "0", "4", "0", "0"], ["calls to models", "0", "0", "0", "0"],
        ["spans", "0", "0", "0", "0"], ["metrics", "0", "0", "8", "0"],
    ]  # fmt: skip
    refused = rows(html, "Refused requests")
    assert refused[0][:4] == ["1,030", "429", "rate limited", "llm, logs"]
    assert "raise the limit" in refused[0][4]
    assert len(refused) == 8
    assert rows(html, "Dropped records")[0][:3] == ["8", "metrics unsupported", "metrics"]
    assert [row[:4] for row in rows(html, "Freshness")] == [["logs", "470 ms", "1.9 s", "100"]]
    assert rows(html, "p99 by hour and signal") == [
        ["15 Jan 09:00", "–"], ["15 Jan 10:00", "–"], ["15 Jan 11:00", "–"], ["15 Jan 12:00", "1.9 s"]
    ]  # fmt: skip
    told = (await reader.get(f"/p/p/ingest.md?{RANGE}")).text
    assert "- 429 rate_limited, llm, logs: 1,030: its key had used up its minute" in told
    assert "- logs: 470 ms, 1.9 s (100 messages)" in told


async def test_limits_are_told_and_keys_to_owners_alone(open_browser: OpenBrowser, keys_url: str, keys: Keys) -> None:
    """In a project of its own: other tests' keys may send to `p`."""
    project = f"limits-{secrets.token_hex(4)}"
    with connect(keys_url) as db:
        create_project(db, Project(id=project, name="Limits"))
        for name in ("Ann", ""):
            create_key(db, project, generate("dt"), scopes=["ingest"], name=name)
    reader = await member(open_browser(), keys_url, "viewer", project=project)
    owner = await member(open_browser(), keys_url, "owner", project=project)
    path = f"/p/{project}/ingest"
    assert "2 keys may send; the fullest has used 0 of 5,000 requests" in text_of(await reader.shown(path))
    shown = rows(await owner.shown(path), "Limits of keys")
    assert [row[1:3] for row in shown] == [["0", "5,000"]] * 2
    assert {row[0].split()[0] for row in shown} == {"no", "Ann"}


async def test_without_postgres_what_is_stored_is_shown(
    store: Store, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise PostgresUnavailable("for this test")

    store.add_logs({"received_at": NOON})
    monkeypatch.setattr("gateway.query.usage.answer.find_counted", away)
    html = await reader.shown(f"/p/p/ingest?{RANGE}")
    assert facts(html)["Stored"] == "1"
    assert "Accepted" not in facts(html)
    assert "are not shown: Postgres can't be asked" in text_of(html)


async def test_lanes_say_how_far_the_writers_are(store: Store, reader: Browser, queue: Queue) -> None:
    producer = queue.producer()
    await producer.start()
    try:
        sent = await producer.publish("errors", logs("a", project_id="p"))
    finally:
        await producer.stop()
    html = await reader.shown(f"/p/p/ingest?{RANGE}")
    assert facts(html)["On their way"] == "1"
    (waiting,) = [row for row in rows(html, "Lanes") if row[2] != "0"]
    assert waiting[0] == f"errors {sent.lane.partition}"
    assert (waiting[4], waiting[5]) == ("–", "1")
    assert html.count('class="hat"') == 1


async def test_dead_letters_are_counted_by_reason_of_this_project_alone(
    reader: Browser, queue: Queue, stranger: Browser
) -> None:
    source, topic = Lane("llm", 0), load().signals["llm"].dead_letter_topic
    bad = seal(stamp(2, project_id="p"), b"[{}]")
    made = [
        letter(source, Message(0, 1, None, bad), None, "undecodable", EVIL),
        letter(source, Message(1, 1, None, logs("x", project_id="q")), 0, "refused", EVIL),
        gap(source, 5, 12),
    ]
    producer = queue.producer()
    await producer.start()
    try:
        for each in made:
            await producer.publish(topic, msgspec.json.encode(each), each.key)
    finally:
        await producer.stop()
    html = await reader.shown("/p/p/ingest")
    assert facts(html)["Dead letters"] == "1"
    assert rows(html, "Dead letters") == [["llm", "undecodable", "1", "the message can't be read"]]
    assert "7 messages of the lane llm 0 are lost" in text_of(html)
    is_harmless(html)
    theirs = await stranger.shown("/p/q/ingest")
    assert rows(theirs, "Dead letters") == [["llm", "refused", "1", "ClickHouse took the record in no form"]]
    assert (await stranger.get("/p/p/ingest")).status_code == 404


async def test_an_agent_gets_the_same_numbers(store: Store, reader: Browser) -> None:
    store.add_logs({"received_at": NOON}, {"received_at": NOON})
    answer = await reader.get(f"/p/p/ingest.md?{RANGE}")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "2 records of this project are stored" in answer.text
    assert "- logs: 2\n" in answer.text
    assert "`sluice audit --from 2026-01-15T09:00:00.000Z" in answer.text


async def test_without_records_it_says_how_to_send_the_first(reader: Browser) -> None:
    html = await reader.shown("/p/p/ingest")
    assert "No records in this range" in text_of(html)
    assert "curl -sS http://sluice.test/ingest/logs" in text_of(html)
    assert len(rows(html, "Lanes")) == 20


@pytest.mark.parametrize("more", ["q=a", "last=4h", "last=30d", "start_time=2026-01-15T00:00:00Z", "as_of=x&q=b"])
async def test_what_links_bring_along_is_taken(reader: Browser, more: str) -> None:
    html = await reader.shown(f"/p/p/ingest?{more}")
    links = [link for link in links_in(html) if link.startswith("/p/p/ingest")]
    for link in links[:: 1 + len(links) // 40]:  # of a year there are hundreds
        assert (await reader.get(link)).status_code == 200, link


async def test_other_parameters_are_refused(reader: Browser) -> None:
    for query in ("x=1", "last=soon", "start_time=2020-01-01", "bucket=day"):
        assert (await reader.get(f"/p/p/ingest?{query}")).status_code == 422, query


async def test_a_queue_that_does_not_answer_hides_nothing_that_is_stored(
    store: Store, reader: Browser, delivery: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise QueueUnavailable("no queue")

    store.add_logs({"received_at": NOON})
    monkeypatch.setattr(delivery.lanes._queue, "lanes", away)  # type: ignore[attr-defined]  # a fault
    html = await reader.shown(f"/p/p/ingest?{RANGE}")
    assert facts(html)["Stored"] == "1"
    assert "On their way" not in facts(html)
    assert "What is stored is shown all the same" in text_of(html)
