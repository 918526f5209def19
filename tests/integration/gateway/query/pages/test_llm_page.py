"""The page LLM, without a script: its numbers are the API's, and nothing stored is markup."""

import re
from time import time_ns
from urllib.parse import urlencode

import pytest

from gateway.query.asked import Asked
from gateway.query.buckets import HOUR
from gateway.query.llm.course import COST, cost_source, find_cost, find_course
from gateway.query.pages.money import money
from gateway.query.range import Range
from gateway.query.reader import Reader
from shared.signals.llm import SIGNAL as LLM
from tests.integration.gateway.query.pages.browser import Browser, links_in
from tests.integration.gateway.query.pages.markup import EVIL, RANGE, is_harmless, is_in_fences, text_of
from tests.integration.gateway.query.pages.test_trace_pages import asked, texts
from tests.integration.gateway.query.read_api import NOON, Store

HOUR_US = 3_600_000_000
NUMBERS = range(30)


def add_calls(store: Store) -> None:
    call = {"provider": "north", "operation": "chat", "service": "api", "release": "r1"}
    store.add_calls(
        *({**call, "model": "large", "input_tokens": 1000 + n, "output_tokens": 50, "cost_usd": 0.25 * (n + 1),
           "latency_ms": 100 * n, "attributes": '{"feature":"reply"}', "trace_id": "t",
           "timestamp": NOON + n * 60_000_000} for n in NUMBERS),
        {**call, "model": "local", "operation": "embed", "input_tokens": 7, "latency_ms": 9000, "service": ""},
        {**call, "model": "of another", "project_id": "q", "cost_usd": 99.0},
    )  # fmt: skip


async def test_every_figure_is_that_of_the_api(store: Store, reader: Browser) -> None:
    add_calls(store)
    shown = text_of(await reader.shown(f"/p/p/llm?{RANGE}"))
    total = (await asked(reader, f"llm/usage?{RANGE}"))["total"]
    assert f"{money(total['cost_usd'])}" in shown
    assert f"Calls{total['calls']}" in shown
    assert f"{total['input_tokens']:,} in, {total['output_tokens']:,} out" in shown
    assert f"Unpriced{total['unpriced']}" in shown.replace("Unpriced ", "Unpriced")
    assert f"p99 {total['p99_ms'] / 1000:g} s" in shown


@pytest.mark.parametrize("cost", [-1.0, 1e300, float("inf"), float("-inf"), float("nan")])
async def test_any_cost_has_a_page(store: Store, reader: Browser, cost: float) -> None:
    """Senders may write any number."""
    store.add_calls(
        {"model": "m", "cost_usd": cost}, {"model": "m", "cost_usd": cost, "timestamp": NOON + HOUR_US // 2}
    )
    for measure in ("cost", "tokens"):
        assert "m" in text_of(await reader.shown(f"/p/p/llm?{RANGE}&measure={measure}"))


@pytest.mark.parametrize("by", ["model", "operation", "service", "attr.feature", "model,release"])
async def test_every_group_is_that_of_the_api(store: Store, reader: Browser, by: str) -> None:
    add_calls(store)
    html = await reader.shown(f"/p/p/llm?{RANGE}&group_by={by}")
    groups = (await asked(reader, f"llm/usage?{RANGE}&group_by={by}"))["groups"]
    table = html.split('aria-label="Groups of calls"')[1].split("</table>")[0]
    rows = [text_of(row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)][1:]
    assert len(rows) == len(groups)
    for row, group in zip(rows, groups, strict=True):
        used = group["used"]
        names = "".join(value or "none" for value in group["key"].values())
        figures = f"{used['calls']:,}{used['input_tokens']:,}{used['output_tokens']:,}"
        assert row.replace(" ", "").startswith(names)
        assert figures + f"{used['p50_ms']:,}{used['p95_ms']:,}{used['p99_ms']:,}" in row.replace(" ", "")
    for link in links_in(table):
        assert (await reader.get(link)).status_code == 200, link


@pytest.mark.parametrize(("measure", "kinds"), [("cost", 1), ("tokens", 2), ("calls", 2), ("latency", 2)])
async def test_the_chart_sums_to_the_total(store: Store, reader: Browser, measure: str, kinds: int) -> None:
    add_calls(store)
    html = await reader.shown(f"/p/p/llm?{RANGE}&measure={measure}")
    total = (await asked(reader, f"llm/usage?{RANGE}"))["total"]
    table = html.split('<details class="pop s push">')[1].split("</table>")[0]
    cells = [re.findall(r'<td class="r">([^<]*)</td>', row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)][1:]
    assert {len(row) for row in cells} == {kinds}
    if measure in ("tokens", "calls"):
        sums = [sum(int(row[n].replace(",", "")) for row in cells) for n in range(kinds)]
        wanted = {"tokens": [total["input_tokens"], total["output_tokens"]], "calls": [30, 1]}
        assert sums == wanted[measure]
    if measure == "cost":
        assert sum(float(row[0].removeprefix("$")) for row in cells) == pytest.approx(total["cost_usd"], rel=1e-3)


@pytest.mark.parametrize("sort", ["cost", "latency", "tokens", "time"])
async def test_calls_stand_in_the_order_of_the_api(store: Store, reader: Browser, sort: str) -> None:
    add_calls(store)
    found = (await asked(reader, f"llm/calls?{RANGE}&sort={sort}&limit=20"))["calls"]
    html = await reader.shown(f"/p/p/llm?{RANGE}&sort={sort}")
    assert _tokens(html) == [each["input_tokens"] for each in found]
    after = re.search(r'id="older" href="([^"]+)"', html)
    assert after is not None
    rest = await reader.shown(after[1].replace("&amp;", "&"))
    assert len(_tokens(rest)) == 11
    assert "Before these" in rest


def _tokens(html: str) -> list[int]:
    table = html.split('aria-label="Calls"')[1].split("</table>")[0]
    rows = [re.findall(r'<td class="r">(.*?)</td>', row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)][1:]
    return [int(row[1].replace(",", "")) for row in rows]


async def test_unpriced_calls_are_named_and_can_be_listed(store: Store, reader: Browser) -> None:
    add_calls(store)
    html = await reader.shown(f"/p/p/llm?{RANGE}")
    (unpriced,) = {link for link in links_in(html) if "cost%3A0" in link}
    assert _tokens(await reader.shown(unpriced)) == [7]
    assert '<span class="tag amb">unpriced</span>' in html


async def test_a_call_leads_to_its_trace_and_an_attribute_to_its_groups(store: Store, reader: Browser) -> None:
    add_calls(store)
    store.add_spans({"trace_id": "t", "span_id": "s", "operation": "POST /reply"})
    html = await reader.shown(f"/p/p/llm?{RANGE}")
    trace = next(link for link in links_in(html) if link.startswith("/p/p/traces/t?"))
    assert "POST /reply" in await reader.shown(trace)
    offered = next(link for link in links_in(html) if "group_by=attr.feature" in link)
    for address in (offered, f"/p/p/llm?{RANGE}&attribute=feature"):
        assert "reply" in text_of(await reader.shown(address))


async def test_the_month_so_far_is_of_all_calls_of_the_project(store: Store, reader: Browser) -> None:
    now = time_ns() // 1000
    store.add_calls(
        {"model": "m", "cost_usd": 2.5, "timestamp": now - 1_000_000, "received_at": now},
        {"model": "n", "cost_usd": 1.0, "timestamp": now - 1_000_000, "received_at": now},
        {"model": "m", "cost_usd": 50.0, "timestamp": now - 40 * 24 * HOUR_US},
        {"model": "m", "cost_usd": 70.0, "timestamp": now, "received_at": now, "project_id": "q"},
    )
    shown = text_of(await reader.shown("/p/p/llm?q=model:m"))
    assert re.search(r"so far, all calls ?\$3\.50", shown)
    assert "Cost, last 1 hour $2.50" in shown or "Cost, last 1 hour$2.50" in shown


async def test_the_rollup_answers_what_a_month_cost(store: Store) -> None:
    add_calls(store)
    range = Range(NOON, NOON + 24 * HOUR_US)
    source = cost_source(store.clickhouse.database, "p", range)
    plan = store.clickhouse.query(f"EXPLAIN {source.query(COST)}", source.values)
    assert any("models_by_hour" in line for (line,) in plan), plan
    reader = Reader(store.url)
    try:
        assert await find_cost(reader, "p", range) == pytest.approx(sum(0.25 * (n + 1) for n in NUMBERS))
        course = await find_course(reader, "p", Asked(range), HOUR)
        assert [(step.start, step.used.calls) for step in course] == [(NOON, 31)]
    finally:
        await reader.close()


async def test_no_field_of_a_call_is_markup(store: Store, reader: Browser) -> None:
    evil = EVIL.replace('"', '\\"')
    attributes = '{"' + evil + '":"' + evil + '","k":"' + evil + '"}'
    store.add_calls(texts(LLM.table.columns) | {"attributes": attributes, "input_tokens": 5})
    for more in ("", "&group_by=provider,operation,service", "&group_by=attr.k", "&group_by=release&measure=latency"):
        html = await reader.shown(f"/p/p/llm?{RANGE}{more}")
        assert EVIL in text_of(html)
        is_harmless(html)
        is_in_fences(await reader.get(f"/p/p/llm.md?{RANGE}{more}"))


async def test_no_parameter_of_the_page_is_markup(store: Store, reader: Browser) -> None:
    add_calls(store)
    for name in ("q", "sort", "cursor", "group_by", "attribute", "measure", EVIL):
        answer = await reader.get(f"/p/p/llm?{RANGE}&{urlencode({name: EVIL})}")
        assert answer.status_code in (200, 422)
        is_harmless(answer.text)


async def test_calls_of_two_projects_never_meet(store: Store, reader: Browser, stranger: Browser) -> None:
    add_calls(store)
    ours, others = await reader.shown(f"/p/p/llm?{RANGE}"), await stranger.shown(f"/p/q/llm?{RANGE}")
    assert "of another" not in ours
    assert "of another" in others
    assert "large" not in text_of(others).replace("large-5", "")
    assert (await reader.get("/p/q/llm")).status_code == 404


async def test_nothing_to_show_says_how_to_send_a_call(store: Store, reader: Browser) -> None:
    html = text_of(await reader.shown(f"/p/p/llm?{RANGE}"))
    assert "No LLM calls in this range" in html
    html = text_of(await reader.shown(f"/p/p/traces?{RANGE}"))
    assert "No traces in this range" in html
