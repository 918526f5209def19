"""What people do with logs: search, open, exclude, share, follow, copy; with a mouse, with keys, without scripts."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.checks import barriers, overflow
from tests.browser.conftest import OpenPage
from tests.browser.site import Site, ago

N = 130
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def shop(site: Site) -> Site:
    """Quotes of a shop, some of which fail, over two minutes; the newest are the greatest numbers."""
    site.send_logs(*(_quote(n) for n in range(N)), service="quotes")
    site.wait_for(lambda answer: answer["total"] == N, "logs", q="service:quotes", limit="1")
    return site


def _quote(n: int) -> dict[str, object]:
    failed = n % 5 == 0
    return {
        "level": "error" if failed else "info",
        "message": f"quote q_{n} failed" if failed else f"price of q_{n} computed",
        "timestamp": ago(N - n + 10),
        "metadata": {"carrier": ["parcelo", "vela"][n % 2], "http": {"status": 500 if failed else 200}},
    }


def messages(page: Page) -> list[str]:
    """Also of rows that are not painted, as they are out of sight."""
    return page.locator(".body > .rows > tbody > tr[id] .msg").all_text_contents()


def test_search_open_exclude_look_around_and_share(shop: Site, open_page: OpenPage) -> None:
    page = open_page("logs", q="service:quotes", last="1h")
    page.get_by_role("link", name="only error").click()
    expect(page.locator("#q")).to_have_value("service:quotes level:error")
    page.locator("tr[id] .go").nth(1).click()
    expect(page.locator("tr.more .full")).to_have_text("quote q_120 failed")
    field = page.locator(".kv > div", has=page.locator("dt", has_text="carrier"))
    field.hover()
    field.get_by_role("link", name="not").click()
    expect(page.locator("#q")).to_have_value("service:quotes level:error -attr.carrier:parcelo")
    assert set(messages(page)) == {f"quote q_{n} failed" for n in range(5, N, 10)}
    page.go_back()
    expect(page.locator("tr.more .full")).to_have_text("quote q_120 failed")
    page.get_by_role("link", name="service", exact=True).click()
    near = page.locator(".near .msg")
    expect(near.nth(20)).to_have_text("quote q_120 failed")
    assert near.nth(19).inner_text() == "price of q_119 computed"
    expect(page).to_have_url(re.compile("around=service"))
    shared = page.get_by_role("link", name="Share").get_attribute("href")
    site_address, rows = page.url.split("/p/")[0], messages(page)
    shop.send_logs({"level": "error", "message": "quote late failed"}, service="quotes")
    shop.wait_for(lambda answer: answer["total"] == 1, "logs", q="late service:quotes")
    again = open_page("logs")
    again.goto(f"{site_address}{shared}")
    assert messages(again) == rows
    expect(again.locator("tr.more .full")).to_have_text("quote q_120 failed")


def test_keys_do_all_of_it(shop: Site, open_page: OpenPage) -> None:
    page = open_page("logs", last="1h")
    page.keyboard.press("/")
    page.keyboard.type("service:quotes failed")
    page.keyboard.press("Enter")
    expect(page.locator("tr[id]", has_text="computed")).to_have_count(0)
    page.keyboard.press("Escape")
    for key in ("j", "j", "Enter"):
        page.keyboard.press(key)
    opened = page.locator("tr.more")
    expect(opened).to_have_count(1)
    page.keyboard.press("c")
    expect(page.locator(".near")).to_be_visible()
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    expect(page.locator("tr[id] .go:focus")).to_have_count(1)
    page.keyboard.press("p")
    pattern = page.locator(".pats tbody tr").first
    expect(pattern).to_contain_text("quote * failed")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".pats tbody tr", has_text="quote * failed")).to_have_count(0)
    page.go_back()
    expect(pattern).to_contain_text("quote * failed")
    page.keyboard.press("r")
    expect(page.locator(".rows.logs")).to_be_visible()


def test_keys_choose_the_range_and_can_be_turned_off(shop: Site, open_page: OpenPage) -> None:
    page = open_page("logs", q="service:quotes", last="15m")
    bars = page.locator("a.zoom")
    page.locator("a.zoom[tabindex='0']").focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    expect(bars.nth(bars.count() - 2)).to_be_focused()
    bar = f"{shop.url}{bars.nth(bars.count() - 2).get_attribute('href')}"
    page.keyboard.press("Enter")
    expect(page).to_have_url(bar)
    page.keyboard.press("[")
    expect(page).not_to_have_url(bar)
    page.keyboard.press("]")
    expect(page).to_have_url(bar)
    page.keyboard.press("?")
    expect(page).to_have_url(re.compile("/help"))
    page.locator("#keys").click()
    expect(page.locator("#keys")).to_have_text("Keys are off")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.locator("#keys").click()
    for key in ("g", "Control+l", "g", "Alt+l"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("/help"))
    for key in ("g", "l"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("/logs"))


def test_a_query_is_completed_saved_and_opened_again(shop: Site, open_page: OpenPage) -> None:
    page = open_page("logs", last="1h")
    field, options = page.locator("#q"), page.get_by_role("option")
    page.keyboard.press("/")
    page.keyboard.type("serv")
    expect(options).to_contain_text(["service:text"])
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(field).to_have_value("service:")
    page.keyboard.type("quo")
    expect(options).to_contain_text(["service:quotes"])
    assert barriers(page) == []
    for key in ("Escape", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    expect(options).to_have_count(0)
    expect(field).to_have_value("service:quo")
    page.keyboard.type("t")
    options.filter(has_text="service:quotes").click()
    expect(field).to_have_value("service:quotes ")
    page.keyboard.type("attr.car")
    options.filter(has_text="attr.carrier:").click()
    page.keyboard.type("v")
    expect(options).to_contain_text(["attr.carrier:vela"])
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "suggested-0")
    page.keyboard.press("Enter")
    expect(field).to_have_value("service:quotes attr.carrier:vela ")
    page.keyboard.press("Enter")
    expect(page.locator("tr[id]", has_text="q_128")).to_have_count(0)
    assert set(messages(page)) == {_quote(n)["message"] for n in range(1, N, 2)}
    page.get_by_role("link", name="Patterns").click()
    expect(page.locator(".pats")).to_be_visible()
    page.get_by_text("Views", exact=True).click()
    page.get_by_label("Save what is shown").fill("Vela's patterns")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("status")).to_contain_text("The view is saved: Vela's patterns.")
    again = open_page("logs", last="15m", options={"java_script_enabled": False, "viewport": PHONE})
    again.get_by_text("Views", exact=True).click()
    assert overflow(again) == 0
    again.get_by_role("link", name="Vela's patterns").click()
    expect(again.locator("#q")).to_have_value("service:quotes attr.carrier:vela")
    expect(again.locator(".pats")).to_contain_text("price of * computed")


def test_changes_and_compare_lead_to_rows(shop: Site, open_page: OpenPage) -> None:
    page = open_page("logs/changes", q="service:quotes", last="15m")
    page.get_by_role("link", name="price of * computed").click()
    expect(page.locator(".rows.logs")).to_be_visible()
    assert {text.split()[-1] for text in messages(page)} == {"computed"}
    page.goto(
        shop.page("logs/compare", q="service:quotes level:error", against="service:quotes -level:error", last="1h")
    )
    row = page.locator(".diffs tr", has_text="attr.http.status").first
    expect(row).to_contain_text("100.0")
    with page.expect_download() as download:
        page.get_by_text("Export", exact=True).click()
        page.get_by_role("link", name=re.compile("NDJSON")).click()
    lines = download.value.path().read_text().splitlines()
    assert {json.loads(line)["level"] for line in lines[:-1]} == {"error"}


def test_a_tail_follows_and_never_moves_what_is_read(shop: Site, open_page: OpenPage) -> None:
    page = open_page("logs", q="service:quotes", last="1h")
    page.keyboard.press("t")
    state, show = page.locator("#tail-state"), page.locator("#tail-show")
    expect(state).to_have_text("Following.")
    shop.send_logs({"message": "quote new one"}, service="quotes")
    first = page.locator("#tailed tr[id] .msg").first
    expect(first).to_contain_text("quote new one", timeout=15_000)
    page.evaluate("scrollTo(0, 1200)")
    expect(state).to_have_text("Held while you scroll.")
    at, read = page.evaluate("scrollY"), "document.elementFromPoint(700, 500).textContent"
    text = page.evaluate(read)
    shop.send_logs(*({"message": f"quote new {n}"} for n in range(20)), service="quotes")
    expect(show).to_have_text("Show 20 new rows", timeout=15_000)
    assert (page.evaluate("scrollY"), page.evaluate(read)) == (at, text)
    show.click()
    expect(show).to_be_hidden()
    expect(first).to_be_in_viewport()
    expect(state).to_have_text("Following.")
    assert len({text for text in messages(page) if re.search(r"quote new \d+$", text)}) == 20
    page.keyboard.press("t")
    expect(page.locator("#tail")).to_have_count(0)


def test_a_tail_that_is_over_says_so(shop: Site, open_page: OpenPage) -> None:
    page, asked = open_page("logs", last="1h"), []

    def soon(route: Route) -> None:
        asked.append(route.request.url)
        route.continue_(url=f"{route.request.url}&seconds=0")

    page.route("**/logs/tail?*", soon)
    page.keyboard.press("t")
    expect(page.locator("#tail-state")).to_have_text("Ended: the time is over.")
    page.get_by_role("link", name="Patterns").click()
    page.wait_for_url("**/patterns*")
    page.go_back()
    expect(page.locator("#tail-state")).to_have_text("Ended: the time is over.")
    assert len(asked) == 2


def test_an_agent_gets_the_log_and_those_around_it(shop: Site, open_page: OpenPage) -> None:
    page = open_page("logs", q="q_100", last="1h", options={"permissions": ["clipboard-read", "clipboard-write"]})
    page.locator("tr[id] .go").first.click()
    expect(page.locator("tr.more")).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator(".near")).to_be_visible()
    page.locator("tr.more").get_by_role("link", name="Copy for an agent").click()
    expect(page.locator("tr.more .copying")).to_have_text("Copied")
    told = page.evaluate("navigator.clipboard.readText()")
    assert "## Message\n\n```\nquote q_100 failed\n```" in told
    assert re.search(r"\n-1\.\d+ s info quotes price of q_99 computed\n0.000 s THIS LOG\n", told)


def test_without_scripts_all_can_be_read(shop: Site, open_page: OpenPage) -> None:
    page = open_page("logs", q="service:quotes failed q_", last="1h", options={"java_script_enabled": False})
    page.locator("tr[id] .go").nth(1).click()
    expect(page.locator("tr.more .full")).to_have_text("quote q_120 failed")
    page.get_by_role("link", name="service", exact=True).click()
    expect(page.locator(".near .here")).to_contain_text("quote q_120 failed")
    text = page.locator("tr.more").get_by_role("link", name="Copy for an agent").get_attribute("href")
    assert "quote q_120 failed" in page.request.get(page.url.split("/p/")[0] + str(text)).text()
    page.locator("tr.more .close").click()
    expect(page.locator("tr.more")).to_have_count(0)
    for tab in ("Patterns", "Changes", "Compare", "Rows"):
        page.get_by_label("Views").get_by_role("link", name=tab).click()
        expect(page.get_by_label("Views").get_by_role("link", name=tab)).to_have_attribute("aria-current", "page")
