"""Alerts as an owner uses them: a rule is made, tried, seen to be sent, changed, and deleted."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import barriers
from tests.browser.conftest import OpenPage


class Receiver(BaseHTTPRequestHandler):
    """Takes alerts below `/ok`, and no others."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if self.path.startswith("/ok") else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def said(page: Page) -> str:
    return page.get_by_role("status").inner_text()


def test_a_rule_is_made_tried_changed_and_deleted(open_page: OpenPage, receiver: str, faults: list[str]) -> None:
    page = open_page("settings/alerts")
    page.get_by_role("link", name="Budget of models").click()
    page.get_by_label("Name").fill("Models")
    page.get_by_role("button", name="Make rule").click()
    expect(page.get_by_label("Budget")).to_be_focused()
    assert "Write US dollars" in page.inner_text("main")
    assert "422" in faults.pop()
    page.get_by_label("Budget").fill("20.5")
    page.get_by_label("Address").fill(f"{receiver}/ok/a-token")
    page.get_by_role("button", name="Make rule").click()
    assert "It is shown this once." in said(page)
    assert "a-token" not in page.content()
    page.get_by_role("button", name="Test Models", exact=True).click()
    assert said(page) == "The test alert was delivered."
    expect(page.get_by_role("region", name="Delivery log")).to_contain_text("answered 200")
    page.get_by_label("Address").fill(f"{receiver}/bad")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Test Models", exact=True).click()
    assert said(page) == "The test alert was not delivered: answered 500."
    assert barriers(page) == []
    page.get_by_role("button", name="Turn Models off").click()
    expect(page.get_by_role("row", name="Models")).to_contain_text("off")
    page.get_by_role("link", name="Delete Models").click()
    page.get_by_role("button", name="Delete it").click()
    assert said(page) == "The rule “Models” is deleted."
