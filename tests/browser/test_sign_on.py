"""The button of single sign-on, and the way back from the provider, which is another site."""

from playwright.sync_api import expect

from tests.browser.checks import barriers
from tests.browser.conftest import OpenPage
from tests.browser.site import Site
from tests.integration.gateway.query.pages.oidc_provider import WHO


def test_a_person_comes_back_logged_in_and_nobody_else_with_their_state(
    site: Site, open_page: OpenPage, faults: list[str]
) -> None:
    page = open_page("errors", strange=True, q="a")
    assert barriers(page) == []
    page.get_by_role("link", name="Log in with single sign-on").click()
    going_on = page.get_by_role("link", name=f"Go on as {WHO}")
    back = going_on.get_attribute("href") or ""
    other = open_page("logs", strange=True)
    for address in (back, f"{back}x", back.partition("state=")[0]):
        other.goto(address)
        expect(other.get_by_role("alert")).to_contain_text("begun in another browser")
    assert all("403" in fault for fault in faults)
    faults.clear()
    other.goto(site.page("logs"))
    expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    going_on.click()
    expect(page).to_have_url(site.page("errors", q="a"))
    expect(page.get_by_text(WHO)).to_be_visible()
