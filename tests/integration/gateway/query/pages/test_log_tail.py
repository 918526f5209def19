"""The tail of the page Logs, and what the pages say of logs that may still arrive."""

import asyncio
import re
from html import unescape
from typing import Any

import pytest

from gateway.query.logs.tail import route
from gateway.query.people import Sessions, Visitor
from gateway.query.tails import KEY_TAILS
from tests.event_stream import Event, read_events
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, Watermark, links_in
from tests.integration.gateway.query.pages.conftest import OpenBrowser
from tests.integration.gateway.query.pages.markup import EVIL, RANGE, is_harmless, rows_of, text_of
from tests.integration.gateway.query.read_api import NOON, Store

SECOND = 1_000_000


def connects(html: str) -> str:
    """Where the script of a page that follows connects to."""
    return unescape(re.findall(r'data-connect="([^"]+)"', html)[0])


async def events_of(browser: Browser, address: str) -> list[Event]:
    """Of one poll; the address may have an id of an event."""
    answer = await browser.get(f"{address}&seconds=0")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    return read_events(answer.content)


async def test_a_tail_goes_on_behind_the_page_with_rows_the_newest_first(
    store: Store, reader: Browser, watermark: Watermark
) -> None:
    watermark.commit(NOON, 10)
    store.add_logs({"message": "shown", "_offset": 9})
    html = await reader.shown("/p/p/logs?tail=1&q=-level:debug&columns=attr.k")
    assert 'aria-live="off"' in html
    assert 'aria-live="polite"' in html
    attributes = '{"k":"v1"}'
    store.add_logs(
        {"message": "one", "_offset": 10, "timestamp": NOON + SECOND, "attributes": attributes},
        {"message": "two", "_offset": 11, "timestamp": NOON + 2 * SECOND},
        {"message": "late", "_offset": 12, "timestamp": NOON - 60 * SECOND, "received_at": NOON + 3 * SECOND},
        {"message": "theirs", "_offset": 13, "project_id": "q"},
        {"message": "no", "_offset": 14, "level": "debug", "timestamp": NOON + SECOND},
    )
    watermark.commit(NOON + 4 * SECOND, 15)
    message, end = await events_of(reader, connects(html))
    assert (message.name, end.name, end.json) == ("message", "end", {"reason": "the time is over"})
    assert [row[12:] for row in rows_of(message.data)] == ["infolate late", "infotwo", "infoonev1"]
    for link in links_in(message.data):
        assert (await reader.get(link)).status_code == 200, link
    progress, _ = await events_of(reader, f"{connects(html)}&last_event_id={message.id}")
    assert progress.name == "progress"


async def test_what_is_left_out_of_a_tail_can_be_opened(store: Store, reader: Browser, watermark: Watermark) -> None:
    watermark.commit(NOON, 1)
    html = await reader.shown("/p/p/logs?tail=1&q=m")
    store.add_logs(*({"message": f"m{n}", "_offset": n + 1, "timestamp": NOON + n} for n in range(70)))
    watermark.commit(NOON + SECOND, 71)
    message, _ = await events_of(reader, connects(html))
    assert len(rows_of(message.data)) == 50
    assert "20 more came than are shown" in text_of(message.data)
    (rest,) = [link for link in links_in(message.data) if "start_time" in link]
    assert len(rows_of(await reader.shown(rest))) == 20


async def test_no_field_of_a_tail_is_markup(store: Store, reader: Browser, watermark: Watermark) -> None:
    watermark.commit(NOON, 1)
    html = await reader.shown("/p/p/logs?tail=1&columns=user_id")
    texts = dict.fromkeys(("message", "service", "user_id", "template"), EVIL + "\n\nevent: end\ndata: x\n\n")
    store.add_logs({**texts, "_offset": 1})
    watermark.commit(NOON + SECOND, 2)
    message, end = await events_of(reader, connects(html))
    is_harmless(message.data)
    assert end.json == {"reason": "the time is over"}


async def test_a_tail_ends_with_the_session(
    reader: Browser, watermark: Watermark, monkeypatch: pytest.MonkeyPatch
) -> None:
    watermark.commit(NOON, 1)
    html = await reader.shown("/p/p/logs?tail=1")
    find, asked = Sessions.find, 0

    async def once(self: Any, token: str) -> Visitor | None:
        nonlocal asked
        asked += 1
        return await find(self, token) if asked == 1 else None

    monkeypatch.setattr(Sessions, "find", once)
    monkeypatch.setattr(route, "ASK_AGAIN_S", 0.0)
    answer = await reader.get(connects(html))
    assert [event.name for event in read_events(answer.content)] == ["end"]


async def test_a_user_has_five_tails_in_whatever_sessions(
    open_browser: OpenBrowser, keys: Keys, stranger: Browser
) -> None:
    sessions = [open_browser() for _ in range(3)]
    for each in sessions:
        await each.log_in(key=keys.read)
    *holders, last = sessions

    async def hold(each: Browser) -> None:
        while (await each.get("/p/p/logs/tail?seconds=600")).status_code == 429:  # the last one had the place just then
            pass

    open = [asyncio.create_task(hold(holders[n % 2])) for n in range(KEY_TAILS)]
    try:
        async with asyncio.timeout(60):
            while (await last.get("/p/p/logs/tail?seconds=0")).status_code != 429:
                pass
        assert (await stranger.get("/p/q/logs/tail?seconds=0")).status_code == 200
    finally:
        for each in open:
            each.cancel()
        await asyncio.wait(open)


async def test_a_stranger_gets_no_tail(browser: Browser) -> None:
    assert (await browser.get("/p/p/logs/tail")).headers["location"].startswith("/login")
    asked = await browser.get("/p/p/logs/tail", hx_request="true")
    assert (asked.status_code, asked.headers["hx-redirect"]) == (204, "/login")


async def test_nothing_is_called_missing_beyond_the_watermark(
    store: Store, reader: Browser, watermark: Watermark
) -> None:
    for q in ("", "&q=nothing"):
        watermark.commit(NOON - 1800 * SECOND, 1)
        text = text_of(await reader.shown(f"/p/p/logs?{RANGE}{q}"))
        assert "Nothing found up to 15 Jan 11:30:00" in text
        assert "Later logs are still arriving" in text
        watermark.commit(NOON - 7200 * SECOND, 1)
        beyond = text_of(await reader.shown(f"/p/p/logs?{RANGE}{q}"))
        assert "Still arriving" in beyond
        watermark.commit(NOON + 7200 * SECOND, 1)
        assert "No logs" in text_of(await reader.shown(f"/p/p/logs?{RANGE}{q}"))
        for each in (text, beyond):
            assert "No logs" not in each


async def test_rows_beyond_the_watermark_are_marked(store: Store, reader: Browser, watermark: Watermark) -> None:
    store.add_logs({"message": "sure"}, {"message": "unsure", "timestamp": NOON + 60 * SECOND})
    watermark.commit(NOON + SECOND, 5)
    html = await reader.shown(f"/p/p/logs?{RANGE}")
    assert re.findall(r'<tr role="row" id="[^"]*" class="([^"]*)"', html) == [" arr"]
    assert "Complete below this line; still arriving above it" in html
    assert 'class="hat"' in html
