"""Settings and Ingest as people use them: with a mouse, with keys alone, without scripts."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import barriers
from tests.browser.conftest import OpenPage
from tests.browser.site import Site
from tests.up import wait_until

LOG = {"service": "shop", "logs": [{"level": "info", "message": "sent with a new key"}]}


def make(page: Page, name: str, origins: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Origins").fill(origins)
    page.get_by_role("button", name="Make key").click()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_key_is_made_shown_once_rotated_and_revoked(
    site: Site, open_page: OpenPage, faults: list[str], scripts: bool
) -> None:
    options = {"java_script_enabled": scripts, "permissions": ["clipboard-read", "clipboard-write"]}
    page, name = open_page("settings", options=options), f"edge {scripts}"
    make(page, name, "https://shop.example/path")
    expect(page.get_by_label("Origins")).to_be_focused()
    expect(page.get_by_text("without a path")).to_be_visible()
    assert all("422" in fault for fault in faults)
    faults.clear()
    make(page, name, "https://shop.example")
    token = page.locator(".made code").first.inner_text()
    if scripts:
        expect(page.locator(".made")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == token
        assert barriers(page) == []
    assert site.post("/ingest/logs", LOG, token) == 200
    page.goto(site.page("settings"))
    assert token not in page.content()
    page.get_by_role("link", name=f"Rotate {name}").press("Enter")
    page.get_by_role("button", name="Rotate it").press("Enter")
    assert site.post("/ingest/logs", LOG, page.locator(".made code").first.inner_text()) == 200
    page.get_by_role("row", name=f"{name} ends").get_by_role("link", name="Revoke").press("Enter")
    expect(page.get_by_role("link", name="Cancel")).to_be_focused()
    assert site.post("/ingest/logs", LOG, token) == 200
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The key is revoked")).to_be_visible()
    expect(page.get_by_role("row", name=f"{name} revoked")).to_be_visible()
    wait_until(lambda: site.post("/ingest/logs", LOG, token) == 401)


def test_what_is_sent_is_seen_to_arrive(site: Site, open_page: OpenPage) -> None:
    site.send_logs(*({"message": f"arrives {n}"} for n in range(3)))
    site.wait_for(lambda answer: len(answer["logs"]) == 3, "logs", q="arrives")
    page = open_page("settings")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/ingest")
    stored = page.locator("dt:text-is('Stored') + dd")
    assert int(stored.inner_text().replace(",", "")) >= 3
    expect(page.get_by_role("region", name="Lanes").get_by_role("row")).not_to_have_count(1)
    page.get_by_text("Stored, each hour by signal").click()
    expect(page.get_by_role("region", name="Stored by hour and signal")).to_be_visible()
    expect(page.get_by_role("region", name="Limits of keys").get_by_role("row")).not_to_have_count(1)
    assert barriers(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Retention and limits").click()
    expect(page.get_by_role("heading", name="Retention and limits")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
