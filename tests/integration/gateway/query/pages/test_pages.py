"""The pages Logs and Errors, and what all pages have in common, without a script."""

import re
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from gateway.query.pages.routes import PAGES
from gateway.query.pages.security import HEADERS
from shared.clients.postgres import connect
from shared.signals.errors import SIGNAL as ERRORS
from shared.signals.logs import LOGS
from shared.users import create_user, make_link
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, Watermark, links_in
from tests.integration.gateway.query.pages.markup import EVIL, RANGE, is_harmless, rows_of, text_of
from tests.integration.gateway.query.read_api import DAY, NOON, Store

MINUTE = 60_000_000
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


async def test_every_page_has_the_headers_of_security(reader: Browser) -> None:
    paths = [
        "/",
        "/login",
        "/login/link?token=x",
        "/static/x/y",
        "/p/p/nothing",
        "/p/other/logs",
        "/p/p/logs?last=x",
    ]
    paths += [f"/p/p/{re.sub(r'{[^}]*}', 'x', page.path)}" for page in PAGES]
    paths += [link for link in links_in(await reader.shown("/login")) if link.startswith("/static/")]
    for path in paths:
        answer = await reader.get(path)
        for name, value in HEADERS.items():
            if name != "Cache-Control" or not path.startswith("/static/"):
                assert answer.headers.get(name) == value, (path, name)
    assert HEADERS["Content-Security-Policy"] == CSP
    assert (HEADERS["X-Content-Type-Options"], HEADERS["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert HEADERS["Cache-Control"] == "no-store"


async def test_files_are_kept_for_good_and_packed(reader: Browser) -> None:
    page = await reader.shown("/p/p/logs")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert {file.rpartition("/")[2] for file in files} == {
        "icon.svg",
        "sluice.css",
        "htmx.min.js",
        "app.js",
        "suggest.js",
    }
    for file in files:
        answer = await reader.get(file)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        assert (await reader.get(re.sub(r"/static/\w+/", "/static/old/", file))).headers["cache-control"] == "no-store"
    assert (await reader.get("/static/x/nothing.js")).status_code == 404
    assert (await reader.get("/static/x/VENDORED.txt")).status_code == 404


async def test_logs_are_counted_and_listed_the_newest_first(store: Store, reader: Browser) -> None:
    store.add_logs(
        {"message": "older", "timestamp": NOON - MINUTE, "level": "warn", "service": "api"},
        {"message": "newer", "timestamp": NOON + MINUTE, "level": "error"},
        {"message": "too old", "timestamp": NOON - DAY},
        {"message": "of another", "project_id": "q"},
    )
    html = await reader.shown(f"/p/p/logs?{RANGE}")
    assert rows_of(html) == ["12:01:00.000errornewer", "11:59:00.000warnapiolder"]
    assert "<h1>2 logs</h1>" in html
    assert "2 shown, the whole range searched." in text_of(html)
    assert html.count('class="k-error"') == html.count('class="k-warn"') == 1
    assert "of another" not in html


async def test_a_search_narrows_counts_and_marks(store: Store, reader: Browser) -> None:
    store.add_logs({"message": "Card declined"}, {"message": "card ok", "level": "error"}, {"message": "else"})
    html = await reader.shown(f"/p/p/logs?{RANGE}&q=card+-level:error")
    assert rows_of(html) == ["12:00:00.000infoCard declined"]
    assert "<mark>Card</mark> declined" in html
    assert '<li class="off">' in html  # the excluded level can be had back
    assert "/p/p/logs?q=card&start_time" in " ".join(links_in(html))
    hint = await reader.shown(f"/p/p/logs?{RANGE}&q=card+(")
    assert "unmatched ( at 6" in text_of(hint)


async def test_facets_count_and_lead_on(store: Store, reader: Browser) -> None:
    store.add_logs(*({"service": service, "release": "r1"} for service in ("api", "api", "web")), {"service": ""})
    html = await reader.shown(f"/p/p/logs?{RANGE}")
    rail = text_of(html.partition('class="rail"')[2].partition("<main")[0])
    assert "service api2onlynot web1onlynot none1onlynot" in rail
    assert "release r13onlynot" in rail
    without = [link for link in links_in(html) if "q=-service%3Aapi" in link]
    assert len(rows_of(await reader.shown(without[0]))) == 2


async def test_rows_stand_without_what_could_not_be_counted(
    store: Store, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_logs({"message": "here"})
    monkeypatch.setattr("gateway.query.pages.logs.volumes.WITHIN_S", 0.0)
    monkeypatch.setattr("gateway.query.pages.logs.rail.WITHIN_S", 0.0)
    html = await reader.shown(f"/p/p/logs?{RANGE}")
    assert rows_of(html) == ["12:00:00.000infohere"]
    assert "The histogram could not be counted in time." in text_of(html)
    assert "service Could not be counted in time." in text_of(html)
    assert "logger Could not be counted in time." in text_of(html)


async def test_pages_of_logs_follow_each_other(store: Store, reader: Browser) -> None:
    store.add_logs(*({"message": f"m{n:03}", "timestamp": NOON + n} for n in range(230)))
    found: list[str] = []
    html = await reader.shown(f"/p/p/logs?{RANGE}")
    for _ in range(3):
        found += [row[-4:] for row in rows_of(html)]
        older = re.search(r'id="older" href="([^"]+)"', html)
        if older is None:
            break
        html = await reader.shown(unescape(older[1]))
    assert found == [f"m{n:03}" for n in reversed(range(230))]
    assert ">Newest<" in html


async def test_a_shared_page_leads_on_in_its_state_and_range(
    store: Store, reader: Browser, watermark: Watermark
) -> None:
    """Whatever came since, and however long ago it was shared."""
    watermark.commit(NOON + DAY, 1_000)
    for n in range(102):
        common = {"timestamp": NOON + n, "trace_id": f"{n:032x}"}
        store.add_errors(common | {"fingerprint": f"{n:064x}", "event_id": f"e{n}", "type": "TypeError"})
        store.add_spans(common | {"span_id": f"{n:016x}", "operation": "GET /"})
        store.add_logs({**common, "message": f"{'x' * (n + 1)} y"})
        store.add_calls({**common, "model": "m"})
    for page in ("logs", "logs/patterns", "errors", "traces", "llm"):
        html = await reader.shown(f"/p/p/{page}?{RANGE}")
        (shared,) = {link for link in links_in(html) if "as_of=" in link and link.startswith(f"/p/p/{page}?")}
        further = {link for link in links_in(await reader.shown(shared)) if "cursor=" in link}
        assert further, page
        kept = {name: parse_qs(urlsplit(shared).query)[name] for name in ("as_of", "start_time", "end_time")}
        for link in further:
            assert parse_qs(urlsplit(link).query).items() >= kept.items(), page
            assert page == "llm" or rows_of(await reader.shown(link)), page


async def test_an_agent_gets_every_log_of_the_pages_that_follow_each_other(store: Store, reader: Browser) -> None:
    store.add_logs(*({"message": f"m{n:03} {'x' * 600}", "timestamp": NOON + n} for n in range(230)))
    found: list[str] = []
    told = await reader.shown(f"/p/p/logs.md?{RANGE}")
    for _ in range(3):
        found += re.findall(r" (m\d{3}) x", told)
        older = re.search("Older: http://sluice.test(.*)", told)
        if older is None:
            break
        told = await reader.shown(older[1])
    assert found == [f"m{n:03}" for n in reversed(range(230))]


async def test_a_row_opens_in_its_place_and_on_a_page_of_its_own(store: Store, reader: Browser) -> None:
    attributes = '{"http":{"status":500},"list":[1],"a b":"x"}'
    store.add_logs(
        {"message": "first\nline", "attributes": attributes, "trace_id": "t1", "user_id": "u", "service": "api"},
        {"message": "second", "timestamp": NOON},
    )
    html = await reader.shown(f"/p/p/logs?{RANGE}")
    (opens,) = [link for link in links_in(html) if "open=" in link][1:]
    opened = await reader.shown(opens)
    assert opened.count('class="more"') == 1
    for shown in ("http 1", "status", "500", "[1]", "a b", "t1", "From logs, partition 0"):
        assert shown in text_of(opened)
    picks = " ".join(links_in(opened))
    assert "q=attr.http.status%3A500" in picks
    assert "q=-service%3Aapi" in picks
    for link in links_in(opened):
        if link.startswith("/p/p/logs?q="):
            assert (await reader.get(link)).status_code == 200, link
    own = re.findall(r'data-part="([^"]+)"', html)[1]
    assert "first\nline" in unescape(await reader.shown(unescape(own)))
    part = await reader.shown(unescape(own), hx_request="true", hx_request_type="partial")
    assert part.strip().startswith('<tr role="row" class="more">')
    assert (await reader.get("/p/p/logs/nothing")).status_code == 404


async def test_columns_stand_in_the_address(store: Store, reader: Browser) -> None:
    store.add_logs({"message": "m", "user_id": "u_7", "release": "r1"})
    html = await reader.shown(f"/p/p/logs?{RANGE}&columns=user_id,release")
    assert rows_of(html) == ["12:00:00.000infomu_7r1"]
    assert 'class="rows logs x2"' in html
    assert "Save view" not in html  # this reader changes nothing


async def test_colours_are_shown_and_never_passed_on(store: Store, reader: Browser) -> None:
    store.add_logs({"message": "\x1b[31mred\x1b[0m \x1b[2Jx \u202eevil"})
    html = await reader.shown(f"/p/p/logs?{RANGE}")
    assert '<span class="a-1">red</span>' in html
    assert '<span class="ctl">U+202E</span>evil' in html
    assert "\x1b" not in html
    assert "\u202e" not in html


@pytest.mark.parametrize(
    "more", ["", "&q=level:info", "&columns=user_id,template,logger_name,file_path,account_name,user"]
)
async def test_no_field_of_a_log_is_markup(store: Store, reader: Browser, more: str) -> None:
    row = dict.fromkeys(TEXTS_OF_LOGS, EVIL)
    attributes = '{"' + EVIL.replace('"', '\\"') + '":"' + EVIL.replace('"', '\\"') + '"}'
    store.add_logs(row | {"attributes": attributes, "user": attributes, "account": attributes, "extra": attributes})
    html = await reader.shown(f"/p/p/logs?{RANGE}{more}")
    (opens,) = [link for link in links_in(html) if "open=" in link]
    for each in (html, await reader.shown(opens)):
        is_harmless(each)


TEXTS_OF_LOGS = [
    column.name
    for column in LOGS.columns
    if "String" in column.type
    and column.name not in ("project_id", "level", "attributes", "user", "account", "extra", "_topic")
]


async def test_no_field_of_an_error_is_markup(store: Store, reader: Browser) -> None:
    texts = [
        column.name
        for column in ERRORS.table.columns
        if column.type in ("String", "LowCardinality(String)")
        and column.name not in ("project_id", "severity", "_topic")
    ]
    store.add_errors(dict.fromkeys(texts, EVIL) | {"level": EVIL, "severity": "high"})
    html = await reader.shown(f"/p/p/errors?{RANGE}")
    assert EVIL in text_of(html)
    is_harmless(html)


async def test_no_parameter_is_markup(reader: Browser) -> None:
    logs = [f"/p/p/logs{tab}" for tab in ("", "/patterns", "/changes", "/compare", "/tail", "/export")]
    for path in (*logs, "/p/p/errors", "/login", "/p/p/range"):
        for name in ("q", "last", "cursor", "open", "columns", "fields", "sort", "against", "next", "theme", EVIL):
            is_harmless((await reader.client.get(path, params={name: EVIL, "last": "1h"})).text)
    is_harmless((await reader.client.get(f"/p/{EVIL}/logs")).text)


async def test_two_projects_see_nothing_of_each_other(store: Store, reader: Browser, stranger: Browser) -> None:
    store.add_logs({"message": "mine"}, {"message": "theirs", "project_id": "q"})
    store.add_errors(
        {"type": "Mine", "fingerprint": "1" * 64}, {"type": "Theirs", "fingerprint": "2" * 64, "project_id": "q"}
    )
    for page, one, other in (("logs", "mine", "theirs"), ("errors", "Mine", "Theirs")):
        ours, others = await reader.shown(f"/p/p/{page}?{RANGE}"), await stranger.shown(f"/p/q/{page}?{RANGE}")
        assert one in ours
        assert other not in ours
        assert other in others
        assert one not in others
        for path in (f"/p/q/{page}?{RANGE}", f"/p/nothing/{page}"):
            answer = await reader.get(path)
            assert (answer.status_code, "Project not found" in answer.text) == (404, True)
    (opens,) = [link for link in links_in(await stranger.shown(f"/p/q/logs?{RANGE}")) if "open=" in link]
    assert 'class="more"' not in await reader.shown(opens.replace("/p/q/", "/p/p/"))


async def test_errors_are_groups_with_counts(store: Store, reader: Browser) -> None:
    kind = {"type": "TypeError", "error_message": "TypeError: x is undefined", "fingerprint": "1" * 64}
    store.add_errors(
        *({**kind, "user_id": f"u{n}", "release": f"web@{n}", "service": "web"} for n in range(3)),
        {"type": "KeyError", "fingerprint": "2" * 64, "service": "api", "timestamp": NOON - MINUTE},
    )
    html = await reader.shown(f"/p/p/errors?{RANGE}")
    first, second = rows_of(html)
    assert first.startswith("TypeErrorx is undefined web")
    assert "33web@0, 2 more" in first
    assert second.startswith("KeyError")
    assert "<h1>2 open errors</h1>" in html
    assert "4 events" in text_of(html)
    only = [link for link in links_in(html) if "q=service%3Aapi" in link]
    assert [row[:8] for row in rows_of(await reader.shown(only[0]))] == ["KeyError"]
    (by_users,) = [link for link in links_in(html) if "sort=users" in link]
    assert len(rows_of(await reader.shown(by_users))) == 2


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("range=2h", "&last=2h"),
        ("range=2026-01-15+10:00+to+11:00", "&start_time=2026-01-15T10:00:00.000Z&end_time=2026-01-15T11:00:00.000Z"),
        ("from=2026-01-15T10:00&until=2026-01-15T09:00", "&start_time=2026-01-15T09:00:00.000Z&end_time=2026-01-15T10"),
    ],
)
async def test_a_typed_range_becomes_an_address(reader: Browser, typed: str, leads_to: str) -> None:
    answer = await reader.get(f"/p/p/range?page=logs&q=a&last=1h&{typed}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/p/p/logs?q=a")
    assert leads_to in unquote(answer.headers["location"])


async def test_a_range_that_is_none_is_refused_with_what_to_write(reader: Browser) -> None:
    answer = await reader.get("/p/p/range?page=logs&range=soon")
    assert answer.status_code == 422
    assert "write 2h, today, yesterday 14:00 to 15:00" in text_of(answer.text)


async def test_refusals_say_what_to_do(reader: Browser, store: Store) -> None:
    unknown = await reader.get("/p/p/logs?nothing=1&last=soon")
    assert unknown.status_code == 422
    assert "nothing" in unknown.text
    assert "write 90s, 30m, 24h or 7d" in text_of(unknown.text)
    store.clickhouse.query("RENAME TABLE errors TO errors_away")
    try:
        away = await reader.get(f"/p/p/errors?{RANGE}")
    finally:
        store.clickhouse.query("RENAME TABLE errors_away TO errors")
    assert (away.status_code, away.headers["retry-after"]) == (503, "1")
    assert "load the page again" in text_of(away.text)


async def test_an_empty_page_says_how_to_send_the_first_log(reader: Browser, keys: Keys) -> None:
    for page in ("logs", "errors"):
        text = text_of(await reader.shown(f"/p/p/{page}?{RANGE}"))
        assert f"No {page} in this range" in text
        assert f"curl -sS http://sluice.test/ingest/{page}" in text
        assert f"Bearer {keys.ingest[:8]}••••" in text
        assert keys.ingest not in text
    assert "No logs match" in text_of(await reader.shown(f"/p/p/logs?{RANGE}&q=nothing"))


async def test_a_theme_stands_in_the_address_and_is_kept(reader: Browser) -> None:
    assert 'data-theme="dark"' in await reader.shown("/p/p/logs?theme=dark")
    assert 'data-theme="dark"' in await reader.shown("/p/p/errors")
    assert "data-theme" not in await reader.shown("/p/p/logs?theme=auto")
    assert "data-theme" not in await reader.shown("/p/p/logs")


async def test_a_user_without_a_project_is_told_what_to_do(browser: Browser, keys_url: str, keys: Keys) -> None:
    with connect(keys_url) as db:
        create_user(db, "Newcomer", None)
        link = make_link(db, "Newcomer")
    await browser.log_in(link=link)
    assert "sluice user grant Newcomer" in text_of(await browser.shown("/"))
