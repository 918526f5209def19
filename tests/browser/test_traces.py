"""What people do with traces and calls to models: find one, open its spans, fold, search, go back."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.checks import barriers
from tests.browser.conftest import OpenPage
from tests.browser.hostile import MARKUP
from tests.browser.site import Site, ago

TRACE = "b0a7" * 8
QUOTE, SELECT, CHARGE = "POST /quote", "SELECT rules", "charge " + MARKUP


@pytest.fixture(scope="module")
def traced(site: Site) -> Site:
    """A trace: a quote that took 900 ms, in it five equal spans and a charge that failed, with a log beside it; and two
    calls to models."""
    _send_span(site, "root", "", QUOTE, 20, 900)
    for n in range(5):
        _send_span(site, f"s{n}", "root", SELECT, 19.9 - n * 0.05, 30)
    declined = {"error.type": "Declined", "card": {"brand": MARKUP}}
    _send_span(site, "charge", "root", CHARGE, 19.5, 300, status="error", metadata=declined)
    site.send_logs({"message": MARKUP, "trace_id": TRACE, "span_id": "charge", "timestamp": ago(19.4)})
    call = {"provider": "p", "operation": "chat", "input_tokens": 90, "output_tokens": 10, "latency_ms": 400}
    for model, cost, feature in (("dear", 0.5, "quotes"), ("cheap", 0.01, "search")):
        sent = {"service": "shop", "model": model, "cost_usd": cost, "metadata": {"feature": feature}, **call}
        assert site.post("/ingest/llm", sent) == 200
    site.wait_for(lambda answer: answer["traces"] and answer["traces"][0]["spans"] == 7, "traces", q=f'"{QUOTE}"')
    site.wait_for(lambda answer: answer["logs"], "logs", trace_id=TRACE)
    site.wait_for(lambda answer: answer["total"]["calls"] == 2, "llm/usage", q="model:(dear OR cheap)")
    return site


def _send_span(
    site: Site, span_id: str, parent: str, operation: str, began: float, duration_ms: int, **more: Any
) -> None:
    """`began`: seconds before now."""
    named = {"service": "shop", "trace_id": TRACE, "span_id": span_id, "parent_span_id": parent, "operation": operation}
    sent = {**named, "start_time": ago(began), "duration_ms": duration_ms, "status": "ok", **more}
    assert site.post("/ingest/traces", sent) == 200


def test_a_trace_is_read_by_keys_alone(traced: Site, open_page: OpenPage) -> None:
    page = open_page("logs", q="nothing")
    press = page.keyboard.press
    press("g")
    press("t")
    expect(page.locator("table.traces")).to_be_visible()
    press("/")
    page.keyboard.type("service:shop quote")
    press("Enter")
    expect(page.locator("table.traces .go")).to_have_text([QUOTE])
    press("Escape")
    press("j")
    press("Enter")
    expect(page.locator("table.fall .go")).to_have_text([QUOTE, SELECT, CHARGE])
    for _ in range(3):
        press("j")
    press("Enter")
    opened = page.locator("tr.more")
    for shown in ("error.type", "Declined", "card.brand", MARKUP):
        expect(opened).to_contain_text(shown)
    expect(page).to_have_url(re.compile("open="))
    assert barriers(page) == []
    press("Escape")
    expect(opened).to_have_count(0)
    expect(page.locator("table.fall .go").nth(2)).to_be_focused()
    press("k")
    press("Enter")
    expect(page.locator("table.fall .go")).to_have_text([QUOTE, *[SELECT] * 5, CHARGE])
    press("/")
    page.keyboard.type("declined")
    press("Enter")
    expect(page.locator("table.fall .go")).to_have_text([QUOTE, CHARGE])
    page.go_back()
    expect(page.locator("table.fall .go")).to_have_count(7)
    page.go_back()
    page.go_back()
    expect(page.locator("table.traces .go")).to_have_text([QUOTE])


def test_a_trace_is_read_without_a_script(traced: Site, open_page: OpenPage) -> None:
    page = open_page("traces", q=f'"{QUOTE}"', options={"java_script_enabled": False})
    page.get_by_role("link", name=QUOTE).click()
    spans = page.locator("table.fall .go")
    expect(spans).to_have_text([QUOTE, SELECT, CHARGE])
    spans.nth(2).click()
    expect(page.locator("tr.more")).to_contain_text("Declined")
    expect(page.locator("tr.is-open")).to_be_in_viewport()
    page.get_by_role("link", name="Close").click()
    expect(page.locator("tr.more")).to_have_count(0)
    spans.nth(1).click()
    expect(spans).to_have_text([QUOTE, *[SELECT] * 5, CHARGE])
    page.get_by_role("searchbox").fill("declined")
    page.keyboard.press("Enter")
    expect(spans).to_have_text([QUOTE, CHARGE])
    page.get_by_role("link", name="Open in Logs").click()
    expect(page.locator("table.logs")).to_contain_text(MARKUP)


def test_calls_to_models_lead_to_what_they_cost(traced: Site, open_page: OpenPage) -> None:
    page = open_page("llm", q="model:(dear OR cheap)")
    groups = page.get_by_role("region", name="Groups of calls").locator("tbody tr")
    expect(groups).to_have_count(2)
    expect(groups.first).to_contain_text("$0.50")
    page.get_by_role("link", name="Latency").click()
    expect(page.get_by_role("heading", name="Latency by minute")).to_be_visible()
    page.get_by_label("By an attribute").fill("feature")
    page.keyboard.press("Enter")
    expect(groups).to_contain_text(["quotes", "search"])
    page.get_by_role("link", name="quotes").click()
    expect(groups).to_have_count(1)
    page.go_back()
    expect(groups).to_have_count(2)
    assert barriers(page) == []
