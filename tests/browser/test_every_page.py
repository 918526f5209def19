"""Every page that links lead to, filled with hostile text: it is shown as text, for everybody, at every size."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.checks import barriers, overflow
from tests.browser.conftest import OpenPage
from tests.browser.hostile import MARKUP, send_all
from tests.browser.site import Site

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
AMBIENT = {"start_time", "end_time", "last", "at", "as_of", "theme"}
"""Parameters that any page has: they make no other kind of it."""

_WORD = re.compile(r"[a-z-]{1,20}")

A_KIND = 2
"""So many pages of one path are looked at, and one with each parameter."""


@pytest.fixture(scope="module")
def filled(site: Site) -> Site:
    assert send_all(site) > 30
    site.wait_for(lambda answer: len(answer["logs"]) > 5, "logs", q='"<script>"')
    make_rules(site)
    for signal, path in (("groups", "errors"), ("traces", "traces"), ("calls", "llm/calls")):
        site.wait_for(lambda answer, signal=signal: answer[signal], path)
    return site


def make_rules(site: Site) -> None:
    """Alert rules whose every text is hostile, and what one of them has sent; one is a budget."""
    usual = {"cooldown": "60", "channel": "webhook", "enabled": "on", "url": "http://127.0.0.1:1/"}
    texts = {"name": MARKUP[:60], "q": f'"{MARKUP[1:60]}"', "environment": MARKUP[:60]}
    made = site.send_form("settings/alerts", kind="new_group", **texts, **usual)
    site.send_form("settings/alerts", do="test", rule=re.findall(r"rule=(alert_\w+)", made)[0])
    budget = {"name": MARKUP[:59], "usd": "1", "period": "day", "each": "user"}
    site.send_form("settings/alerts", kind="llm_cost", **budget, **usual)


def kind_of(address: str) -> str:
    """The path without names; or the signal and the parameter that it has, '' if it has several, which are seen one by
    one."""
    path = urlsplit(address).path.strip("/").split("/")[2:]
    own = {name for name, _ in parse_qsl(urlsplit(address).query)} - AMBIENT
    if len(own) > 1:
        return ""
    return " ".join([path[0], *own]) if own else "-".join(name if _WORD.fullmatch(name) else "one" for name in path)


def links(page: Page) -> Iterator[str]:
    """Where the page leads to, but for texts: files, and those for agents. None may run a script."""
    found: list[str] = page.eval_on_selector_all(
        "a[href]:not([download], [data-markdown])",
        "links => links.map(each => new URL(each.getAttribute('href'), location).href)",
    )
    for each in found:
        assert each.startswith(("http:", "https:")), each
        yield each.split("#")[0]


def walk(site: Site, page: Page, *, plain: bool = False) -> Iterator[str]:
    """Open what links lead to, or only one page of each path; gives the kind of the page that is open."""
    wait = [page.url]
    seen: dict[str, set[str]] = {kind_of(page.url): set(wait)}
    while wait:
        address = wait.pop(0)
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, (address, page.inner_text("body"))
        yield kind_of(address)
        for link in links(page):
            kind = kind_of(link)
            of_kind = seen.setdefault(kind, set())
            if not kind or not link.startswith(site.page("")) or (plain and " " in kind):
                continue
            if link not in of_kind and len(of_kind) < (1 if plain or " " in kind else A_KIND):
                of_kind.add(link)
                wait.append(link)


def test_hostile_text_is_text_and_nobody_is_shut_out(filled: Site, open_page: OpenPage) -> None:
    page = open_page("logs")
    hostile, looked_at, found = set(), set(), []
    for kind in walk(filled, page):
        if MARKUP[:20] in page.inner_text("main"):
            hostile.add(kind)
        if kind not in looked_at:
            looked_at.add(kind)
            found += barriers(page)
    pages = {"logs", "logs-one", "errors", "errors-one", "traces", "traces-one", "llm", "ingest", "settings", "help"}
    pages |= {"settings-alerts", "settings rule"}
    assert pages <= looked_at
    assert pages - {"ingest", "settings", "help", "traces"} <= hostile
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_every_window(filled: Site, open_page: OpenPage, scheme: str) -> None:
    """Also the window that is left at a zoom of 200 %: 640 px."""
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    page, found = open_page("logs", options=options), []
    for kind in walk(filled, page, plain=True):
        for width in (390, 640, 1024, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            if over := overflow(page):
                found.append(f"{page.url}: {over} pixels too wide at {width}")
            page.screenshot(path=SCREENSHOTS / f"{kind}-{width}-{scheme}.png", full_page=width == 1440)
        if scheme == "dark":
            found += barriers(page)
    assert found == [], "\n".join(found)
