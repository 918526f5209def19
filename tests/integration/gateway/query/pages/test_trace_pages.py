"""The pages Traces and one trace, without a script: their numbers are the API's, and nothing stored is markup."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from gateway.query.times import format_time
from shared.signals.errors import SIGNAL as ERRORS
from shared.signals.llm import SIGNAL as LLM
from shared.signals.logs import LOGS
from shared.signals.traces import SIGNAL as TRACES
from tests.integration.gateway.query.pages.browser import Browser, links_in
from tests.integration.gateway.query.pages.markup import EVIL, RANGE, is_harmless, is_in_fences, text_of
from tests.integration.gateway.query.read_api import NOON, Store

MS = 1_000
AT = "at=2026-01-15T12:00:00Z"


def texts(columns: Any, *but: str) -> dict[str, str]:
    """Evil in every column that holds text."""
    kinds = ("String", "LowCardinality(String)")
    kept = {"project_id", "_topic", "status", "severity", "attributes", *but}
    return {column.name: EVIL for column in columns if column.type in kinds and column.name not in kept}


def lines_of(html: str) -> list[str]:
    """The names of the lines of a waterfall, with what stands beside them."""
    cells = re.findall(r'<tr role="row" id="r-\d+"[^>]*><td role="cell">(.*?)</td>', html, re.S)
    return [text_of(cell).strip() for cell in cells]


async def asked(browser: Browser, path: str) -> Mapping[str, Any]:
    answer = await browser.client.get(f"/api/v1/projects/p/{path}", headers={"x-api-key": "reader"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def add_checkout(store: Store) -> None:
    """Trace `t`: 6 spans in 2 services, 1 failed; a log on a span, an error and a call to a model."""
    root = {"trace_id": "t", "service": "web", "operation": "POST /quote", "span_id": "root", "duration_ms": 100}
    select = {"trace_id": "t", "service": "api", "operation": "SELECT rules", "parent_span_id": "root"}
    store.add_spans(
        root | {"release": "web@2", "attributes": '{"feature":"quotes"}'},
        *(select | {"span_id": f"s{n}", "duration_ms": 5, "timestamp": NOON + n * 10 * MS} for n in range(1, 5)),
        {
            **select,
            "span_id": "s5",
            "operation": "charge",
            "status": "error",
            "duration_ms": 20,
            "timestamp": NOON + 60 * MS,
            "attributes": '{"http":{"status":402},"error.type":"Declined"}',
            "kind": "client",
            "scope_name": "shop.http",
            "resource": '{"host.name":"web-3"}',
            "events": '[{"name":"retry","time":"2026-01-15T12:00:00.071500123Z","attributes":{"attempt":1}}]',
            "links": '[{"trace_id":"t","span_id":"s2","attributes":{}},{"trace_id":"u","span_id":"x","attributes":{}}]',
        },
        {
            "trace_id": "u",
            "span_id": "x",
            "operation": "GET /slow",
            "duration_ms": 9000,
            "timestamp": NOON - 60_000_000,
        },
        {"trace_id": "v", "span_id": "x", "operation": "of another", "project_id": "q"},
    )
    store.add_logs({"message": "card declined", "trace_id": "t", "span_id": "s5", "timestamp": NOON + 70 * MS})
    store.add_errors({"trace_id": "t", "type": "CardError", "error_message": "no", "fingerprint": "1" * 64})
    store.add_calls({"trace_id": "t", "model": "small", "input_tokens": 9, "cost_usd": 0.5, "latency_ms": 3})


async def test_traces_are_listed_with_the_numbers_of_the_api(store: Store, reader: Browser) -> None:
    add_checkout(store)
    html = await reader.shown(f"/p/p/traces?{RANGE}&sort=duration")
    found = (await asked(reader, f"traces?{RANGE}&sort=duration"))["traces"]
    rows = [text_of(row) for row in re.findall(r'<tr role="row"><td role="cell" class="t".*?</tr>', html, re.S)]
    assert [each["operation"] for each in found] == ["GET /slow", "POST /quote"]
    for row, each in zip(rows, found, strict=True):
        for shown in (each["operation"], f"{each['spans']} span", f"{each['duration_ms']:,} ms"):
            assert shown in row
    assert 'width="100.0%"' in html
    assert 'width="1.11%"' in html
    assert "<h1>2 traces</h1>" in html
    assert "7 spans; 1 with errors" in html
    (only,) = [link for link in links_in(html) if "q=service%3Aweb" in link and "-service" not in link][:1]
    assert "GET /slow" not in await reader.shown(only)
    (slow,) = [link for link in links_in(html) if "q=duration%3A%3E1s" in link]
    assert "POST /quote" not in await reader.shown(slow)
    (leads,) = [link for link in links_in(html) if link.startswith("/p/p/traces/t?")]
    assert "POST /quote" in await reader.shown(leads)


async def test_pages_of_traces_follow_each_other(store: Store, reader: Browser) -> None:
    store.add_spans(*({"trace_id": f"t{n:03}", "span_id": "s", "timestamp": NOON + n} for n in range(120)))
    html = await reader.shown(f"/p/p/traces?{RANGE}")
    assert "100 of the traces" in html
    after = re.search(r'id="older" href="([^"]+)"', html)
    assert after is not None
    assert "20 of the traces" in await reader.shown(after[1].replace("&amp;", "&"))


async def test_a_waterfall_has_the_numbers_of_the_api(store: Store, reader: Browser) -> None:
    add_checkout(store)
    html = await reader.shown(f"/p/p/traces/t?{RANGE}&{AT}")
    found = await asked(reader, f"traces/t?{AT}")
    assert lines_of(html) == ["POST /quote, on the critical path", "SELECT rules× 4 equal spans, on the critical path",
                              "charge, failed, on the critical path"]  # fmt: skip
    facts = text_of(html)
    for shown in ("Takes100 ms", f"Spans{found['span_count']} in 2 services", "Failed spans1", "Errors1", "Logs1"):
        assert shown in facts
    assert "1 call, $0.50" in facts
    own = sum(span["self_us"] for span in found["spans"] if span["service"] == "api") // MS
    path = sum(span["critical_us"] or 0 for span in found["spans"] if span["service"] == "api") // MS
    assert re.search(
        rf"<td class=\"w\">api</td><td class=\"r\">5</td><td class=\"r\">{own}</td><td class=\"r\">{path}<", html
    )
    assert "6 of 6 spans on 3 lines." in facts
    assert html.count('<circle class="k-log" cx="0"') == 1
    assert "Declined" in html


async def test_a_trace_is_looked_at_in_other_ways_by_links(store: Store, reader: Browser) -> None:
    add_checkout(store)
    html = await reader.shown(f"/p/p/traces/t?{RANGE}&{AT}")
    links = links_in(html)
    (unfolded,) = [link for link in links if "unfold=" in link]
    assert len(lines_of(await reader.shown(unfolded))) == 6
    (nothing,) = [link for link in links if "fold=none" in link]
    assert len(lines_of(await reader.shown(nothing))) == 6
    (by_service,) = [link for link in links if "fold=service" in link]
    assert len(lines_of(await reader.shown(by_service))) == 3
    agent = await reader.shown(f"/p/p/traces/t?{AT}&view=agent")
    assert "No span of this trace says that a model" in agent
    found = await reader.shown(f"/p/p/traces/t?{AT}&find=declined")
    with_parent = ["POST /quote+ 4 spans below, on the critical path", "charge, failed, on the critical path"]
    assert lines_of(found) == with_parent
    assert "1 of 6 spans hold" in found
    short = await reader.shown(f"/p/p/traces/t?{AT}&hide=50&fold=none")
    assert lines_of(short) == with_parent
    for link in links:
        if link.startswith("/p/"):
            assert (await reader.get(link)).status_code == 200, link


async def test_a_span_opens_in_its_place(store: Store, reader: Browser) -> None:
    add_checkout(store)
    html = await reader.shown(f"/p/p/traces/t?{RANGE}&{AT}")
    (opens,) = [link for link in set(links_in(html)) if link.endswith("open=5#r-5")]
    opened = await reader.shown(opens)
    assert opened.count('class="more"') == 1
    for shown in ("Starts at60 ms", "Takes20 ms", "http.status", "402", "card declined", "s5"):
        assert shown in text_of(opened)
    for shown in ("kindclient", "scopeshop.http", "host.nameweb-3", "11.5 msretry", "attempt1", "Events 1", "Links 2"):
        assert shown in text_of(opened)
    linked = [link for link in links_in(opened) if "#r-2" in link and "open=2" in link]
    assert "s2" in text_of(await reader.shown(linked[0]))
    assert any(link.startswith("/p/p/traces/u?") for link in links_in(opened))
    assert not [link for link in links_in(opened) if "q=attr" in link]
    part = await reader.shown(opens, hx_request="true", hx_request_type="partial")
    assert part.strip().startswith('<tr role="row" class="more">')
    assert 'class="more"' not in await reader.shown(opens.replace("open=5", "open=999"))
    root = await reader.shown(opens.replace("open=5", "open=0"))
    (alike,) = [link for link in links_in(root) if "q=attr.feature%3Aquotes" in link]
    assert "POST /quote" in await reader.shown(alike)


async def test_strange_spans_say_what_is_strange(store: Store, reader: Browser) -> None:
    usual = {"trace_id": "t", "duration_ms": 10}
    store.add_spans(
        usual | {"span_id": "root"},
        usual | {"span_id": "early", "parent_span_id": "root", "timestamp": NOON - MS},
        usual | {"span_id": "lost", "parent_span_id": "gone", "timestamp": NOON + MS},
        usual | {"span_id": "twice", "timestamp": NOON + 2 * MS, "operation": "a"},
        usual | {"span_id": "twice", "timestamp": NOON + 3 * MS, "operation": "b"},
        usual | {"span_id": "c1", "parent_span_id": "c2", "timestamp": NOON + 4 * MS},
        usual | {"span_id": "c2", "parent_span_id": "c1", "timestamp": NOON + 5 * MS},
    )
    html = await reader.shown("/p/p/traces/t?fold=none")
    assert [html.count(f'<span class="tag amb">{tag}<') for tag in ("moved", "no parent", "repeated id", "circle")] == [
        1,
        1,
        1,
        2,
    ]
    notes = "".join([text_of(await reader.shown(f"/p/p/traces/t?open={n}")) for n in range(7)])
    for said in ("clocks differ", "Its parent gone is not there", "An earlier span has its id", "form a circle"):
        assert said in notes


async def test_ten_thousand_spans_are_bounded_and_it_is_said(store: Store, reader: Browser) -> None:
    child = {"trace_id": "t", "parent_span_id": "root", "duration_ms": 1, "attributes": '{"a":"' + "x" * 500 + '"}'}
    store.add_spans(
        {"trace_id": "t", "span_id": "root", "duration_ms": 60_000},
        *(child | {"span_id": f"s{n}", "operation": f"op {n}", "timestamp": NOON + n * MS} for n in range(1, 10_050)),
    )
    html = await reader.shown(f"/p/p/traces/t?{AT}")
    assert "10,050 spans were sent; the 10,000 that began first are shown" in text_of(html)
    assert "Lines 1 to 250 are drawn" in text_of(html)
    assert "without their attributes" in text_of(html)
    assert len(lines_of(html)) == 250
    assert len(html) < 1_000_000
    after = re.search(r'id="older" href="([^"]+)"', html)
    assert after is not None
    assert lines_of(await reader.shown(after[1].replace("&amp;", "&")))[0].startswith("op 250")
    told = await reader.shown(f"/p/p/traces/t.md?{AT}")
    assert "10,050 spans were sent; the 10,000 that began first are here" in told
    rest = await reader.shown(re.findall("Lines after these: http://sluice.test(.*)", told)[0])
    assert "## Spans: 250 of 10,000 lines, after the first 250\n" in rest
    assert " op 499\n" in rest


async def test_a_trace_is_given_to_an_agent_as_markdown(store: Store, reader: Browser) -> None:
    add_checkout(store)
    (link,) = [link for link in links_in(await reader.shown(f"/p/p/traces/t?{AT}")) if ".md" in link]
    answer = await reader.get(link)
    assert answer.headers["content-type"].startswith("text/plain")
    for shown in ("critical POST /quote (web)", "critical   SELECT rules x 4 (api)", "charge (api) FAILED: Declined"):
        assert shown in answer.text
    for shown in ("CardError: no", "small 9 + 0 tokens", "info  card declined"):
        assert shown in answer.text


async def test_no_field_of_a_trace_is_markup(store: Store, reader: Browser) -> None:
    evil = EVIL.replace('"', '\\"')
    attributes = '{"' + evil + '":"' + evil + '","error.type":"' + evil + '","gen_ai.operation.name":"chat"}'
    said = '{"name":"' + evil + '","trace_id":"' + evil + '","time":"' + evil + '","attributes":' + attributes + "}"
    span = texts(TRACES.table.columns, "span_id", "parent_span_id")
    span |= {"events": f"[{said}]", "links": f"[{said},5]", "resource": attributes}
    store.add_spans(
        span | {"span_id": EVIL, "status": "error", "duration_ms": 9, "attributes": attributes},
        span | {"span_id": "b", "parent_span_id": EVIL, "status": EVIL, "attributes": attributes},
        span | {"span_id": "c", "parent_span_id": EVIL + "2", "timestamp": NOON + 1},
    )
    store.add_logs(texts(LOGS.columns, "level", "user", "account", "extra") | {"level": EVIL})
    store.add_errors(texts(ERRORS.table.columns) | {"severity": "high"})
    store.add_calls(texts(LLM.table.columns))
    path = f"/p/p/traces/{quote(EVIL)}?{AT}"
    pages = [f"/p/p/traces?{RANGE}", path, *(f"{path}&open={n}" for n in range(3)), f"{path}&find={quote(EVIL)}"]
    for each in pages:
        html = await reader.shown(each)
        assert EVIL in text_of(html)
        is_harmless(html)
    is_in_fences(await reader.get(f"/p/p/traces.md?{RANGE}"))
    listed = links_in(await reader.shown(f"/p/p/traces?{RANGE}"))
    (leads,) = {link for link in listed if link.startswith("/p/p/traces/")}
    assert (await reader.get(leads)).status_code == 200


@pytest.mark.parametrize("path", ["/p/p/traces", "/p/p/traces/t"])
async def test_no_parameter_of_a_trace_is_markup(store: Store, reader: Browser, path: str) -> None:
    add_checkout(store)
    for name in ("q", "sort", "cursor", "at", "view", "fold", "hide", "find", "unfold", "open", "skip", EVIL):
        answer = await reader.client.get(path, params={name: EVIL, "last": "1h"})
        assert answer.status_code in (200, 422)
        is_harmless(answer.text)


async def test_traces_of_two_projects_never_meet(store: Store, reader: Browser, stranger: Browser) -> None:
    add_checkout(store)
    assert "of another" not in await reader.shown(f"/p/p/traces?{RANGE}")
    assert "of another" in await stranger.shown(f"/p/q/traces?{RANGE}")
    for path in (
        "/p/p/traces/v",
        "/p/q/traces/v",
        "/p/q/traces",
        f"/p/p/traces/t?at={format_time(NOON + 30 * 86400 * 10**6)}",
    ):
        assert (await reader.get(path)).status_code == 404
    assert (await stranger.get("/p/q/traces/t")).status_code == 404


async def test_logs_errors_and_traces_lead_to_each_other(store: Store, reader: Browser) -> None:
    add_checkout(store)
    html = await reader.shown(f"/p/p/traces/t?{RANGE}&{AT}")
    links = links_in(html)
    (logs,) = {link for link in links if link.startswith("/p/p/logs?") and "q=trace%3At" in link}
    assert "card declined" in await reader.shown(logs)
    (errors,) = {link for link in links if link.startswith("/p/p/errors?") and "q=trace%3At" in link}
    assert "CardError" in await reader.shown(errors)
    (group,) = {link for link in links if link.startswith("/p/p/errors/")}
    assert "CardError" in await reader.shown(group)
    (open_log,) = [link for link in links_in(await reader.shown(logs)) if "open=" in link]
    back = [link for link in links_in(await reader.shown(open_log)) if link.startswith("/p/p/traces/t?")]
    assert "POST /quote" in await reader.shown(back[0])
