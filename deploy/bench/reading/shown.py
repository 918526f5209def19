"""How long until a page stands in Chromium, where it and Playwright are installed."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from deploy.bench.jobs import JobFailed
from deploy.bench.reading.asker import Asker

if TYPE_CHECKING:
    from playwright.sync_api import Page

Show = Callable[[str], float]
"""Opens the page of a target (path and query); milliseconds until it is loaded and painted."""

NAMES = ("chromium", "chromium-browser", "google-chrome")
_SHOWN_MS = """() => new Promise(shown => new PerformanceObserver(painted => shown(Math.max(
    performance.getEntriesByType('navigation')[0].loadEventEnd,
    ...painted.getEntries().map(each => each.startTime)))).observe({type: 'paint', buffered: true}))"""


def chromium() -> str | None:
    """The path of the browser; None if pages can't be shown here."""
    try:
        import playwright.sync_api  # noqa: F401 - of the tests' dependencies: the bench goes without
    except ImportError:
        return None
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def showing_pages(asker: Asker) -> Iterator[Show | None]:
    """Shows pages as the asker, who is logged in; None where there is no browser."""
    path = chromium()
    if path is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        name, _, value = asker.cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": asker.url}])
        page = context.new_page()
        yield lambda target: _shown(page, urljoin(asker.url, target))
        browser.close()


def _shown(page: "Page", address: str) -> float:
    answer = page.goto(address, wait_until="load")
    if answer is None or answer.status != 200:
        raise JobFailed(f"{address} was not shown: {page.inner_text('body')[:500]}")
    return float(page.evaluate(_SHOWN_MS))
