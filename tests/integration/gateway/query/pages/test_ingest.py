"""The page Ingest (pages.md, "Ingest"): what is stored, how far the writers are, and dead letters."""

import re

import msgspec
import pytest

from shared.envelope import seal
from shared.queue.base import Lane, Message, Queue, QueueUnavailable
from shared.registry import load
from tests.integration.gateway.query.pages.browser import Browser, links_in
from tests.integration.gateway.query.pages.test_pages import EVIL, is_harmless, text_of
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


async def test_what_is_stored_is_counted_by_hour_and_signal(store: Store, reader: Browser) -> None:
    store.add_logs({"received_at": NOON}, {"received_at": NOON - 1}, {"received_at": NOON - 4 * HOUR})
    store.add_logs({"project_id": "q"})
    store.add_spans(*[{"received_at": NOON + 9}] * 3)
    store.add_errors({"received_at": NOON - 2 * HOUR})
    html = await reader.shown(f"/p/p/ingest?{RANGE}")
    assert facts(html)["Stored"] == "6"
    assert [row[:2] for row in rows(html, "Stored by signal")] == [
        ["logs", "2"], ["errors", "1"], ["calls to models", "0"], ["spans", "3"]
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
    for link in links_in(html):
        if link.startswith("/p/p/ingest"):
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
