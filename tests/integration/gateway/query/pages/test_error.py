"""The page of one group of errors, and acting on groups, without a script."""

import json
import re
from html import unescape
from typing import Any

import pytest

from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.signals.errors import SIGNAL as ERRORS
from shared.users import create_user, grant, make_link
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, links_in, token_in
from tests.integration.gateway.query.pages.conftest import OpenBrowser
from tests.integration.gateway.query.pages.markup import EVIL, RANGE, is_harmless, is_in_fences, rows_of, text_of
from tests.integration.gateway.query.read_api import DAY, NOON, Store

MINUTE = 60_000_000
ONE, TWO, THEIRS = "1" * 64, "2" * 64, "3" * 64
STACK = "TypeError: x is undefined\n    at applyRates (/app/src/quote.ts:118:7)\n    at run (node:internal/x:1:1)"


@pytest.fixture
async def member(open_browser: OpenBrowser, keys_url: str, keys: Keys) -> Browser:
    """Logged in with a key that may triage project `p`."""
    key = generate("dt")
    with connect(keys_url) as db:
        create_key(db, "p", key, name="Ann's", scopes=["read", "triage"])
        db.execute("DELETE FROM error_states")
        db.execute("DELETE FROM error_history")
    browser = open_browser()
    assert (await browser.log_in(key=key)).status_code == 303
    return browser


def error(n: int, **more: Any) -> dict[str, Any]:
    usual = {"type": "TypeError", "error_message": "TypeError: x is undefined", "fingerprint": ONE, "service": "web"}
    return {**usual, "event_id": f"e{n}", "timestamp": NOON + n * MINUTE, "stack_trace": STACK, **more}


async def act(browser: Browser, do: str, *groups: str, **fields: str) -> Any:
    """Send the form of a page of errors."""
    form: dict[str, Any] = {"form_token": token_in(await browser.shown("/p/p/logs")), "group": list(groups)}
    return await browser.send("/p/p/errors/state", form | {"do": do, "next": f"/p/p/errors?{RANGE}"} | fields)


async def test_an_error_is_shown_in_reading_order(store: Store, reader: Browser) -> None:
    crumbs = json.dumps([{"type": "click", "message": "button", "timestamp": "2026-01-15T12:01:59Z"}])
    store.add_errors(
        error(0, user_id="u1"), error(1, release="web@2"), error(2, user_id="u2", trace_id="t1", breadcrumbs=crumbs)
    )
    store.add_logs(
        {"message": "just before", "trace_id": "t1", "timestamp": NOON + 2 * MINUTE - 40_000},
        {"message": "just after", "trace_id": "t1", "timestamp": NOON + 2 * MINUTE + 52_000},
        {"message": "too late", "trace_id": "t1", "timestamp": NOON + 8 * MINUTE},
        {"message": "of another", "trace_id": "t2", "timestamp": NOON + 2 * MINUTE},
    )
    store.add_spans(
        {"trace_id": "t1", "span_id": "a", "operation": "GET /", "duration_ms": 120, "timestamp": NOON + 2 * MINUTE},
        {"trace_id": "t1", "span_id": "b", "parent_span_id": "a", "operation": "sql", "duration_ms": 100,
         "timestamp": NOON + 2 * MINUTE},
    )  # fmt: skip
    html = await reader.shown(f"/p/p/errors/{ONE}?{RANGE}")
    text = text_of(html)
    headings = [text_of(each).strip() for each in re.findall(r"<h[12]>(.*?)[,<]", html, re.S)]
    assert headings == [
        *("TypeError", "Stack", "Before it", "Logs of the trace", "Trace", "All fields of this event", "Events"),
        *(headings[7], "Why these are one", "History"),
    ]
    assert headings[7].startswith("15 Jan 11:00 to 13:00")
    assert "event 1 of 3, newest" in text
    assert "applyRates/app/src/quote.ts:118:7" in text
    assert "-1.000 sclickbutton" in text
    assert rows_of(html) == [
        "-0.040 sinfojust before",
        "0.000 serrorwebThis error: x is undefined",
        "+0.052 sinfojust after",
    ]
    assert "2 of 2 spans" in text
    assert "of another" not in html


async def test_newer_and_older_events_are_walked_with_the_search(store: Store, reader: Browser) -> None:
    store.add_errors(*(error(n, error_message=f"number {n:02}", service="web" if n % 2 else "api") for n in range(60)))
    path = f"/p/p/errors/{ONE}?{RANGE}&q=service:web&event=e25"
    seen = []
    while path:
        html = await reader.shown(path)
        seen.append(re.findall(r'<p class="msg">([^<]*)', html)[0])
        older = re.search(r'href="([^"]+)" aria-label="Older event"', html)
        path = unescape(older[1]) if older else ""
    assert seen == [f"number {n:02}" for n in reversed(range(1, 27, 2))]
    assert 'aria-label="Newer event"' in html
    listed = re.search(r'id="older" href="([^"]+)#events"', await reader.shown(f"/p/p/errors/{ONE}?{RANGE}"))
    assert listed is not None
    assert "number 39" in await reader.shown(unescape(listed[1]))


async def test_no_field_of_an_error_is_markup_on_its_page(store: Store, reader: Browser) -> None:
    texts = {
        column.name: EVIL
        for column in ERRORS.table.columns
        if column.type in ("String", "LowCardinality(String)")
        and column.name not in ("project_id", "severity", "_topic", "event_id", "fingerprint")
    }
    evil = json.dumps({EVIL: EVIL, "fences": "```\nIgnore all\n```", "longer": "``````\nIgnore all"})
    crumbs = json.dumps([{"type": EVIL, "category": EVIL, "message": EVIL, "timestamp": EVIL, "data": {EVIL: EVIL}}])
    parts = json.dumps(["v2", [EVIL], [EVIL], EVIL, EVIL])
    rows = {"attributes": evil, "user": evil, "account": evil, "extra": evil, "breadcrumbs": crumbs}
    store.add_errors(error(1) | texts | rows | {"fingerprint_parts": parts, "severity": "high"})
    store.add_errors(error(2) | {"stack_trace": f"Error: {EVIL}\n    at {EVIL} (/app/{EVIL}.js:1:1)"})
    store.add_logs({"message": EVIL, "service": EVIL, "trace_id": EVIL, "timestamp": NOON + MINUTE})
    store.add_spans({"operation": EVIL, "service": EVIL, "trace_id": EVIL, "timestamp": NOON + MINUTE})
    for event in ("e1", "e2"):
        html = await reader.shown(f"/p/p/errors/{ONE}?{RANGE}&event={event}")
        assert EVIL in text_of(html)
        is_harmless(html)
        is_in_fences(await reader.get(f"/p/p/errors/{ONE}.md?{RANGE}&event={event}"))
    is_in_fences(await reader.get(f"/p/p/errors.md?{RANGE}"))


async def test_another_projects_group_and_event_are_not_found(store: Store, member: Browser) -> None:
    store.add_errors(error(1), error(2, fingerprint=THEIRS, project_id="q"), error(3, fingerprint=TWO))
    for path in (f"/p/p/errors/{THEIRS}", f"/p/q/errors/{THEIRS}", "/p/p/errors/nothing", f"/p/p/errors/{ONE}/x"):
        assert (await member.get(f"{path}?{RANGE}")).status_code == 404, path
        assert (await member.get(f"{path}.md?{RANGE}")).status_code == 404, path
    for event in ("e2", "e3", "none"):  # of another project, of another group, of nobody
        assert (await member.get(f"/p/p/errors/{ONE}?{RANGE}&event={event}")).status_code == 404
    for groups in ([THEIRS], [ONE, THEIRS], ["x"]):
        assert (await act(member, "resolve", *groups)).status_code == 404
    assert "Resolved" not in text_of(await member.shown(f"/p/p/errors/{ONE}?{RANGE}")).partition("State")[2][:20]


async def test_a_group_without_an_event_in_the_range_shows_its_newest(store: Store, reader: Browser) -> None:
    store.add_errors(error(1))
    html = await reader.shown(f"/p/p/errors/{ONE}?{RANGE}&q=service:nothing")
    assert "No event of this error fits the search in this range: below is its newest of all" in text_of(html)
    assert "applyRates" in html


async def test_who_only_reads_sees_no_form_and_can_not_act(store: Store, reader: Browser) -> None:
    store.add_errors(error(1))
    for path in (f"/p/p/errors?{RANGE}", f"/p/p/errors/{ONE}?{RANGE}"):
        html = await reader.shown(path)
        assert re.findall(r'<form method="post" action="([^"]+)"', html) == ["/logout"]
        assert "checkbox" not in html
    answer = await act(reader, "resolve", ONE)
    assert (answer.status_code, "Only a member" in answer.text) == (403, True)


async def test_no_other_page_can_act_for_a_member(store: Store, member: Browser, open_browser: OpenBrowser) -> None:
    store.add_errors(error(1))
    token = token_in(await member.shown(f"/p/p/errors/{ONE}?{RANGE}"))
    form = {"group": ONE, "do": "resolve", "next": "/"}
    forged = [
        await member.send("/p/p/errors/state", form),
        await member.send("/p/p/errors/state", form | {"form_token": "0" * 64}),
        await member.send("/p/p/errors/state", form | {"form_token": token}, {"Origin": "https://evil.example"}),
        await member.send("/p/p/errors/state", form | {"form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
        await member.send("/p/p/errors/state", form | {"form_token": token}, {}),
    ]
    assert [answer.status_code for answer in forged] == [403] * 5
    nobody = await open_browser().send("/p/p/errors/state", form | {"form_token": token})
    assert (nobody.status_code, nobody.headers["location"]) == (303, "/login")
    assert len(rows_of(await member.shown(f"/p/p/errors?{RANGE}"))) == 1
    away = await member.send("/p/p/errors/state", form | {"form_token": token, "next": "//evil.example"})
    assert (away.status_code, away.headers["location"]) == (303, "/")


async def test_what_is_done_stands_in_the_history(store: Store, member: Browser) -> None:
    store.add_errors(error(1))
    deeds = [
        ("resolve", {}, "Resolved"),
        ("resolve-in", {"in_release": "web@2"}, "Resolved in web@2"),
        ("mute", {}, "Muted"),
        ("mute-until", {"count": "100", "minutes": "60"}, "Muted until 100 come within 60 min"),
        ("mute-for", {"hours": "24"}, "Muted until "),
        ("assign", {"assignee": "Bob"}, "Assigned to Bob"),
        ("note", {"note": "a <b>note</b>"}, "Note by key Ann'sa <b>note</b>"),
        ("open", {}, "Open"),
    ]
    page = f"/p/p/errors/{ONE}?{RANGE}"
    for do, fields, told in deeds:
        answer = await act(member, do, ONE, next=page, **fields)
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        newest = text_of((await member.shown(page)).partition("<h2>History</h2>")[2].partition("</li>")[0])
        assert told in newest
        assert "by key Ann's" in newest
        if do in ("resolve", "mute"):
            assert rows_of(listed := await member.shown(f"/p/p/errors?{RANGE}")) == []
            assert "Show all" in listed
    assert len(rows_of(await member.shown(f"/p/p/errors?{RANGE}"))) == 1


async def test_chosen_groups_are_changed_together(store: Store, member: Browser) -> None:
    store.add_errors(error(1), error(2, fingerprint=TWO, type="KeyError"))
    html = await member.shown(f"/p/p/errors?{RANGE}")
    assert re.findall(r'type="checkbox" name="group" value="(\w+)"', html) == [TWO, ONE]
    assert (await act(member, "resolve", ONE, TWO)).headers["location"] == f"/p/p/errors?{RANGE}"
    resolved = await member.shown(f"/p/p/errors?{RANGE}&status=resolved")
    assert [row[:8] for row in rows_of(resolved)] == ["KeyError", "TypeErro"]
    assert 'class="tag ">resolved<' in resolved
    assert "2 resolved errors" in text_of(resolved)
    kept = [link for link in links_in(resolved) if link.startswith("/p/p/errors?") and "sort=users" in link]
    assert "status=resolved" in kept[0]
    detail = next(link for link in links_in(resolved) if link.startswith(f"/p/p/errors/{ONE}"))
    assert "status=resolved" in next(link for link in links_in(await member.shown(detail)) if "/errors?" in link)
    assert (await act(member, "open", ONE)).status_code == 303
    assert len(rows_of(await member.shown(f"/p/p/errors?{RANGE}&status=open,resolved,muted"))) == 2
    told = await member.shown(f"/p/p/errors.md?{RANGE}")
    assert "1 group is here.\n" in told
    assert "Only open groups are listed." in told
    everything = await member.shown(re.findall("All: http://sluice.test(.*)", told)[0])
    assert "2 groups are here.\n" in everything
    assert "groups are listed" not in everything
    first = await member.shown(f"/p/p/errors.md?{RANGE}&status=open,resolved,muted&limit=1")
    assert "## 1. Group" in await member.shown(re.findall("there are more: http://sluice.test(.*)", first)[0])


async def test_a_user_acts_under_their_name_as_long_as_they_may(
    store: Store, browser: Browser, keys_url: str, keys: Keys
) -> None:
    store.add_errors(error(1))
    with connect(keys_url) as db:
        create_user(db, "Mia", None)
        grant(db, "Mia", "p", "member")
        link = make_link(db, "Mia")
    await browser.log_in(link=link)
    html = await browser.shown(f"/p/p/errors/{ONE}?{RANGE}")
    assert "Assign to me" in html
    assert (await act(browser, "assign", ONE, assignee="Mia")).status_code == 303
    assert "Assigned to Mia by user Mia" in text_of(await browser.shown(f"/p/p/errors/{ONE}?{RANGE}"))
    with connect(keys_url) as db:
        grant(db, "Mia", "p", "viewer")
    assert (await act(browser, "open", ONE)).status_code == 403


async def test_what_can_not_be_done_is_named(store: Store, member: Browser) -> None:
    store.add_errors(error(1))
    for do, fields in (("", {}), ("mute-until", {"count": "0", "minutes": "9"}), ("note", {})):
        answer = await act(member, do, ONE, **fields)
        assert (answer.status_code, "write " in answer.text) == (422, True)
    assert (await act(member, "resolve")).status_code == 422


async def test_new_and_regressed_groups_stand_out(store: Store, member: Browser, keys_url: str) -> None:
    store.add_errors(error(1), error(2, fingerprint=TWO, timestamp=NOON - 3 * DAY), error(3, fingerprint=TWO))
    state = '{"status":"open","reopened":{"at":"2026-01-15T12:00:00Z","reason":"regressed","release":"web@2"}}'
    html = await member.shown(f"/p/p/errors?{RANGE}")
    assert html.count('<span class="tag new">new</span>') == 1
    with connect(keys_url) as db:
        db.execute("INSERT INTO error_states (project_id, fingerprint, state) VALUES ('p', %s, %s)", [TWO, state])
    assert '<span class="tag bad">regressed</span>' in await member.shown(f"/p/p/errors?{RANGE}")
    assert "Open again: regressed in web@2" in text_of(await member.shown(f"/p/p/errors/{TWO}?{RANGE}"))
