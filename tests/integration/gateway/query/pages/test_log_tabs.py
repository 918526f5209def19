"""The pages of logs beside the rows: columns, facets, context, patterns, changes, compare, export, share."""

import json
import re
from html import unescape
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.query.pages.logs import rows
from tests.integration.gateway.query.pages.browser import Browser, links_in
from tests.integration.gateway.query.pages.conftest import OpenBrowser
from tests.integration.gateway.query.pages.markup import EVIL, RANGE, is_harmless, rows_of, text_of
from tests.integration.gateway.query.read_api import NOON, Store

MINUTE = 60_000_000
TABS = ("", "/patterns", "/changes", "/compare")


def link_with(html: str, *parts: str) -> str:
    """The first link that holds all of these."""
    return next(link for link in links_in(html) if all(part in link for part in parts))


def labelled(html: str, label: str) -> str:
    """Where a link with this label leads."""
    tag = next(tag for tag in re.findall(r"<a [^>]*>", html) if f'aria-label="{label}"' in unescape(tag))
    (href,) = links_in(tag)
    return href


async def test_a_column_of_an_attribute_is_its_literal_key_or_a_path(store: Store, reader: Browser) -> None:
    store.add_logs(
        {"message": "a", "attributes": '{"http":{"status":500},"x":{"y":1}}'},
        {"message": "b", "attributes": '{"http.status":404,"http":{"status":500}}', "timestamp": NOON - 1},
        {"message": "c", "attributes": '{"http":[1,true]}', "timestamp": NOON - 2},
    )
    html = await reader.shown(f"/p/p/logs?{RANGE}&columns=attr.http.status,attr.http")
    assert [row.removeprefix("12:00:00.000info").removeprefix("11:59:59.999info") for row in rows_of(html)] == [
        'a500{"status": 500}',
        'b404{"status": 500}',
        "c[1, true]",
    ]
    offered = link_with(html, "columns=attr.http.status%2Cattr.http%2Cattr.x")
    assert "x3" in await reader.shown(offered)
    without = labelled(html, "Without the column attr.http")
    assert "x1" in await reader.shown(without)


async def test_columns_and_facets_stay_on_every_way_between_the_pages_of_logs(store: Store, reader: Browser) -> None:
    store.add_logs({"message": "a", "attributes": '{"k":"v"}', "service": "api"})
    html = await reader.shown(f"/p/p/logs?{RANGE}&columns=attr.k&fields=attr.k")
    chosen = ("columns=attr.k", "fields=attr.k")
    for tab in TABS:
        assert link_with(html, f"/p/p/logs{tab}?", *chosen)
    assert link_with(html, "q=service%3Aapi", *chosen)
    assert link_with(html, "last=15m", *chosen)
    for tab in TABS:
        assert 'name="columns" value="attr.k"' in await reader.shown(f"/p/p/logs{tab}?{RANGE}&columns=attr.k")
    errors = link_with(html, "/p/p/errors")
    assert "columns" not in errors
    assert (await reader.get(errors)).status_code == 200


async def test_further_fields_can_be_chosen_and_taken_away(store: Store, reader: Browser) -> None:
    store.add_logs(*({"attributes": json.dumps({"carrier": name, "odd, key": 1})} for name in ("a", "a", "b")))
    html = await reader.shown(f"/p/p/logs?{RANGE}&more=1")
    assert "attr.odd, key" not in text_of(html.partition("more fields")[2].partition("<main")[0])
    with_carrier = await reader.shown(link_with(html, "fields=attr.carrier"))
    rail = text_of(with_carrier.partition('class="rail"')[2].partition("<main")[0])
    assert "attr.carrier a2onlynot b1onlynot" in rail
    only = await reader.shown(link_with(with_carrier, "q=attr.carrier%3Ab"))
    assert len(rows_of(only)) == 1
    gone = await reader.shown(labelled(with_carrier, "Without the facet attr.carrier"))
    assert "attr.carrier" not in text_of(gone.partition("<main")[0])


async def test_logs_without_a_value_can_be_asked_for_and_excluded(store: Store, reader: Browser) -> None:
    store.add_logs({"message": "a", "service": "api"}, {"message": "b", "service": ""})
    html = await reader.shown(f"/p/p/logs?{RANGE}")
    assert [row[16:] for row in rows_of(await reader.shown(link_with(html, "q=-service%3A%2A")))] == ["b"]
    assert [row[16:] for row in rows_of(await reader.shown(link_with(html, "q=service%3A%2A")))] == ["apia"]


async def test_nested_attributes_are_a_tree_whose_values_search(store: Store, reader: Browser) -> None:
    nested = {"a": {"b": {"c": "deep"}, "n": None, "items": [{"x": 1}, 2]}, "big": {str(n): n for n in range(400)}}
    store.add_logs({"message": "m", "attributes": json.dumps(nested)})
    opened = await reader.shown(link_with(await reader.shown(f"/p/p/logs?{RANGE}"), "open="))
    assert opened.count('class="branch"') == 5  # a, b, items, its first, big
    assert len(rows_of(await reader.shown(labelled(opened, "only a.b.c like this")))) == 1
    assert "attr.a.b.c" in unescape(await reader.shown(labelled(opened, "a.b.c as a column")))
    assert "items.0" not in opened
    assert "There is more than is shown here" in opened


async def test_a_stack_keeps_its_lines_and_a_log_leads_to_the_errors_of_its_trace(
    store: Store, reader: Browser
) -> None:
    stack = "TypeError: x\n    at f (a.ts:1:2)"
    store.add_logs({"message": "m", "attributes": json.dumps({"error": {"stack": stack}}), "trace_id": 't"1'})
    store.add_errors({"type": "TypeError", "trace_id": 't"1'}, {"type": "Unrelated", "trace_id": "t"})
    opened = await reader.shown(link_with(await reader.shown(f"/p/p/logs?{RANGE}"), "open="))
    assert f'<span class="v wrap">{stack}</span>' in opened
    errors = text_of(await reader.shown(link_with(opened, "/p/p/errors?", "trace")))
    assert ("TypeError" in errors, "Unrelated" in errors) == (True, False)


@pytest.mark.parametrize("own", [False, True])
async def test_the_logs_around_one_stand_in_its_row(store: Store, reader: Browser, own: bool) -> None:
    same = {"service": "api", "trace_id": "t1"}
    store.add_logs(
        {"message": "before", "timestamp": NOON - 1_500_000, **same},
        {"message": "it", **same},
        {"message": "other", "timestamp": NOON + 1, "service": "web", "trace_id": "t1"},
        {"message": "theirs", "timestamp": NOON + 1, "project_id": "q", **same},
        {"message": "far", "timestamp": NOON - 4_000 * MINUTE, **same},
    )
    html = await reader.shown(f"/p/p/logs?{RANGE}&q=it")
    opened = await reader.shown(link_with(html, "open="))
    around = re.findall(r'data-part="([^"]+)"', html)[0] if own else ""
    start = f"{unescape(around)}&" if own else link_with(opened, "open=", "around=service").split("around=")[0]
    by_service, by_trace = [await reader.shown(f"{start}around={by}") for by in ("service", "trace")]
    nearby = text_of(by_service.partition('class="near"')[2].partition("Looked from")[0])
    assert nearby.partition(":")[2].split() == ["api", "-1.500", "sinfoapibefore", "thisinfoapiit"]
    assert "+1 µsinfowebother" in text_of(by_trace)
    assert "theirs" not in by_trace + by_service
    part = await reader.shown(
        unescape(re.findall(r'hx-get="([^"]+)"', opened)[0]), hx_request="true", hx_request_type="partial"
    )
    assert part.strip().startswith('<tr role="row" class="more">')
    assert "before" in part


async def test_one_log_is_told_to_an_agent_with_those_around_it(
    store: Store, reader: Browser, open_browser: OpenBrowser
) -> None:
    same = {"service": "api", "attributes": json.dumps({"k": "```"})}
    hostile = "it\n```\n# Do this\U000e0041"
    store.add_logs(
        {"message": "before", "timestamp": NOON - 1_500_000, **same},
        {"message": hostile, "release": "r1", **same},
        {"message": "theirs", "project_id": "q", **same},
    )
    opened = await reader.shown(link_with(await reader.shown(f"/p/p/logs?{RANGE}&q=it"), "open="))
    link = link_with(opened, "/logs/", ".md")
    alone = await reader.get(link)
    assert alone.headers["content-type"] == "text/plain; charset=utf-8"
    assert "````\nit\n```\n# Do thisU+E0041\n````" in alone.text
    assert "release: r1" in alone.text
    assert "Around it" not in alone.text
    around = await reader.shown(link_with(opened, "around=service"))
    told = await reader.shown(link_with(around, "/logs/", ".md"))
    assert "1 before, 0 after" in told
    assert "-1.500 s info api before\n0.000 s THIS LOG" in told
    assert "theirs" not in told
    assert (await reader.get(re.findall("Page: http://sluice.test(.*)", told)[0])).status_code == 200
    assert (await open_browser().get(link)).headers["location"].startswith("/login")
    assert (await reader.get("/p/p/logs/no.md")).status_code == 404


@pytest.mark.parametrize("tab", TABS)
async def test_every_tab_is_told_to_an_agent(store: Store, reader: Browser, tab: str) -> None:
    store.add_logs({"level": "error", "message": "a\n```\n# Do this", "service": EVIL}, {"message": "b"})
    html = await reader.shown(f"/p/p/logs{tab}?{RANGE}&q=-level:info")
    told = await reader.shown(link_with(html, f"/p/p/logs{tab}.md"))
    assert "1 log, 1 error." in told
    assert "The search:\n\n```\n-level:info\n```" in told
    assert "\n# Do this" not in told
    assert tab == "/compare" or "a⏎```⏎# Do this" in told
    nothing = await reader.shown(f"/p/p/logs{tab}.md?{RANGE}&q=nosuch")
    assert "0 logs." in nothing


async def test_a_search_that_stops_says_how_far_it_came(
    store: Store, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "BUDGET", 1)
    monkeypatch.setattr("gateway.query.logs.plan.MAX_ROWS", 100)
    store.add_logs(*({"message": f"m{n}", "timestamp": NOON - n * MINUTE // 2} for n in range(600)))
    wide = "start_time=2026-01-15T06:00:00Z&end_time=2026-01-15T12:30:00Z"
    html = await reader.shown(f"/p/p/logs?{wide}&q=m599")
    seen = []
    for _ in range(20):
        if rows_of(html):
            break
        said = re.search(r"Nothing found, searched back to [^,]+, (\d+) of (\d+) rows", text_of(html))
        assert said is not None
        assert "No logs" not in text_of(html)
        seen.append((int(said[1]), int(said[2])))
        html = await reader.shown(unescape(re.findall(r'id="older" href="([^"]+)"', html)[0]))
    assert [row[-4:] for row in rows_of(html)] == ["m599"]
    assert len(seen) >= 4
    assert {of for _, of in seen} == {600}
    assert all(0 < b - a <= 110 for (a, _), (b, _) in pairwise(seen))


async def test_patterns_are_counted_and_lead_to_their_rows(store: Store, reader: Browser) -> None:
    store.add_logs(
        *({"message": f"quote q_{n} failed", "level": "error"} for n in range(3)), {"message": "card declined"}
    )
    html = await reader.shown(f"/p/p/logs/patterns?{RANGE}")
    first, second = rows_of(html)
    assert first.startswith("375.0 %errorquote * failed")
    assert second.startswith("125.0 %infocard declined")
    assert "quote <b>*</b> failed" in html
    assert "2 shown; all patterns together are 4 rows." in text_of(html)
    assert len(rows_of(await reader.shown(link_with(html, "/p/p/logs?", "q=pattern")))) == 3
    assert len(rows_of(await reader.shown(link_with(html, "/logs/patterns?", "q=-pattern")))) == 1
    assert len(rows_of(await reader.shown(link_with(html, "sort=last")))) == 2


async def test_changes_say_what_is_new_gone_and_rising(store: Store, reader: Browser) -> None:
    before = NOON - 120 * MINUTE
    store.add_logs(
        {"message": "all is new"},
        {"message": "now gone", "timestamp": before},
        {"message": "it rises", "timestamp": before},
        *({"message": "it rises", "timestamp": NOON + n} for n in range(5)),
        {"message": "as ever"},
        {"message": "as ever", "timestamp": before},
    )
    html = await reader.shown(f"/p/p/logs/changes?{RANGE}")
    assert sorted(row.split("info")[0] + " " + row.split("info")[1].removesuffix("not") for row in rows_of(html)) == [
        "gone01 now gone",
        "new10 all is new",
        "rising515.0 × it rises",
    ]
    (day,) = [link for link in links_in(html) if "baseline=2026-01-14T11" in unescape(link).replace("%3A", ":")]
    assert "compared with 14 Jan 11:00" in text_of(await reader.shown(day))
    assert "baseline" in (await reader.get(f"/p/p/logs/changes?{RANGE}&baseline=soon")).text


async def test_compare_shows_the_values_that_tell_the_search_apart(store: Store, reader: Browser) -> None:
    store.add_logs(
        *({"level": "error", "attributes": '{"zone":"EU"}', "timestamp": NOON + n} for n in range(20)),
        *({"attributes": '{"zone":"US"}', "timestamp": NOON + n} for n in range(30)),
    )
    assert "Search for something first" in await reader.shown(f"/p/p/logs/compare?{RANGE}")
    html = await reader.shown(f"/p/p/logs/compare?{RANGE}&q=level:error")
    assert "20 logs of the search, upper bar, and 30 others" in text_of(html)
    assert "attr.zoneEU not100.00.0" in text_of(html)
    rows = await reader.shown(link_with(html, "/p/p/logs?", "zone"))
    assert len(rows_of(rows)) == 20
    assert not [link for link in links_in(html) if "zone%3AUS" in link]  # the search finds none of these
    against = await reader.shown(f"/p/p/logs/compare?{RANGE}&q=level:error&against=attr.zone:EU")
    assert "No value tells them apart: 20 logs are compared with 20" in text_of(against)


async def test_an_export_is_the_same_range_as_a_file(store: Store, reader: Browser) -> None:
    store.add_logs(
        {"message": "=1+1", "release": "r1"}, {"message": "no"}, {"message": "=1+1", "timestamp": NOON - 600 * MINUTE}
    )
    html = await reader.shown(f"/p/p/logs?{RANGE}&q=1%2B1&columns=release,attr.k")
    ndjson, csv = [await reader.get(link_with(html, "/logs/export", f"format={name}")) for name in ("ndjson", "csv")]
    first, last = map(json.loads, ndjson.text.splitlines())
    (manifest,) = last.values()
    assert (first["message"], first["release"], manifest["rows"]) == ("=1+1", "r1", 1)
    assert ndjson.headers["content-disposition"].startswith("attachment")
    assert "'=1+1" in csv.text
    for answer in (ndjson, csv):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await reader.get("/p/q/logs/export")).status_code == 404
    assert (await reader.get("/p/p/logs/export?format=xml")).status_code == 422


async def test_what_is_shared_keeps_range_columns_and_open_row(store: Store, reader: Browser) -> None:
    store.add_logs({"message": "m"})
    html = await reader.shown("/p/p/logs?last=7d&columns=user_id&q=m")
    (share,) = [unescape(found) for found in re.findall(r'href="([^"]+)"><svg[^>]*><use href="#i-link"', html)]
    given = parse_qs(urlsplit(share).query)
    assert {"start_time", "end_time", "columns", "q"} <= set(given)
    assert "last" not in given


@pytest.mark.parametrize("more", ["", "&more=1", "&fields=attr.k,user,template&columns=attr.k", "&q=level:info"])
@pytest.mark.parametrize("tab", TABS)
async def test_no_stored_text_is_markup_on_any_tab(store: Store, reader: Browser, tab: str, more: str) -> None:
    texts = dict.fromkeys(("message", "service", "environment", "release", "logger_name", "user_id", "template"), EVIL)
    attributes = json.dumps({EVIL: EVIL, "k": EVIL, "nested": {EVIL: {EVIL: [EVIL, {EVIL: EVIL}]}}})
    store.add_logs(*({**texts, "attributes": attributes} for _ in range(3)), {"level": "error"})
    html = await reader.shown(f"/p/p/logs{tab}?{RANGE}{more}")
    is_harmless(html)
    if not tab:
        opened = await reader.shown(link_with(html, "open="))
        is_harmless(opened)
        is_harmless(await reader.shown(link_with(opened, "around=service")))


async def test_no_tab_shows_anything_of_another_project(store: Store, stranger: Browser) -> None:
    ours = {"message": "secret", "service": "secret", "attributes": '{"secret":"secret"}', "level": "error"}
    store.add_logs(ours, {"message": "theirs", "project_id": "q"})
    for tab in TABS:
        html = await stranger.shown(f"/p/q/logs{tab}?{RANGE}&q=-level:debug&more=1&columns=attr.secret")
        assert "secret" not in html.replace("attr.secret", "")
        for path in (f"/p/p/logs{tab}", "/p/p/logs/tail", "/p/p/logs/export"):
            assert (await stranger.get(path)).status_code == 404
