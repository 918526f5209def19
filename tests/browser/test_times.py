"""Times in a person's own zone: chosen on a page, kept by the browser, never in the address."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.browser.checks import barriers
from tests.browser.conftest import OpenPage
from tests.browser.site import Site, ago

ZONE = "Australia/Darwin"


def head(page: Page) -> str:
    return page.locator(".rows.logs th").first.inner_text()


def test_times_are_shown_and_typed_in_the_zone_of_the_browser(site: Site, open_page: OpenPage) -> None:
    site.send_logs(
        {"message": "tick", "timestamp": ago(600)}, {"message": "tock", "timestamp": ago(60)}, service="clock"
    )
    site.wait_for(lambda answer: answer["total"] == 2, "logs", q="service:clock")
    page = open_page("logs", q="service:clock", options={"timezone_id": ZONE})
    row, picker = page.locator("tr[id] .go").last, page.locator(".join summary")
    moment = datetime.fromisoformat(row.get_attribute("title") or "")
    local, before = moment.astimezone(ZoneInfo(ZONE)), page.url
    assert head(page) == "time, UTC"
    picker.click()
    page.get_by_role("button", name=ZONE).click()
    expect(row).to_contain_text(f"{local:%H:%M:%S}")
    assert head(page) == "time, Darwin"
    assert page.url == before
    picker.click()
    assert barriers(page) == []
    ends = [f"{local + timedelta(minutes=by):%Y-%m-%d %H:%M}" for by in (-1, 2)]
    page.get_by_label("Typed or pasted").fill(" to ".join(ends))
    page.keyboard.press("Enter")
    expect(page.locator("tr[id] .msg")).to_have_text(["tick"])
    row.click()
    expect(page.locator("tr.more .acts").first).to_contain_text(f"{local:%Y-%m-%dT%H:%M}")
    text = page.locator("tr.more").get_by_role("link", name="Copy for an agent").get_attribute("href")
    told = page.request.get(site.url + str(text)).text()
    assert f"{moment:%Y-%m-%dT%H:%M}" in told
    assert "Darwin" not in told
    another = open_page("logs")
    another.goto(page.url)
    assert head(another) == "time, UTC"
    assert another.locator("tr[id] .msg").all_text_contents() == ["tick"]


def test_a_zone_is_chosen_without_a_script(site: Site, open_page: OpenPage) -> None:
    page = open_page("ingest", last="4h", options={"java_script_enabled": False})
    page.locator(".join summary").click()
    page.get_by_role("link", name="Another zone").click()
    page.get_by_role("combobox").select_option("America/New_York")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator(".join summary")).to_contain_text("New York")
    assert page.url == site.page("ingest", last="4h")
