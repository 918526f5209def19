"""The pages in Debian's Chromium, on a whole `sluice up` with real engines."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from deploy.local.clickhouse import ClickHouse
from deploy.local.engine import Unavailable
from deploy.local.ports import HOST, free_port
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from tests.browser.site import Site
from tests.conftest import absent
from tests.integration.gateway.query.pages.oidc_provider import CLIENT, SECRET, Provider
from tests.up import Up

OpenPage = Callable[..., Page]

_REPORT_VIOLATIONS = "document.addEventListener('securitypolicyviolation', e => console.error('CSP: ' + e.blockedURI))"


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """People may log in with it. Its host is another site than ours."""
    running = Provider(f"http://{HOST}:{free_port()}/login/oidc/callback", "localhost")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def site(engines_folder: Path, provider: Provider) -> Iterator[Site]:
    for kind in (ClickHouse, Postgres, Valkey):
        try:
            kind.version()
        except Unavailable as error:
            absent(kind.role, error)
    # Receivers of alerts are on this machine.
    environment = {"SLUICE_ALERTS_HTTP": "true", "SLUICE_ALERTS_PRIVATE": "true", "SLUICE_QUERY_ROUNDS_S": "1"}
    port = str(urlsplit(provider.back).port)
    with Up(engines_folder / "site", "--port", port, environment=environment | _sign_on(provider)) as up:
        site = Site(up)
        yield site
        site.close()


def _sign_on(provider: Provider) -> dict[str, str]:
    return {
        "SLUICE_OIDC_ISSUER": provider.url,
        "SLUICE_OIDC_CLIENT_ID": CLIENT,
        "SLUICE_OIDC_CLIENT_SECRET": SECRET,
        "SLUICE_OIDC_REDIRECT_URL": provider.back,
        "SLUICE_OIDC_CREATE_USERS": "true",
        "SLUICE_OIDC_ROLES": "*=viewer@demo",
    }


@pytest.fixture
def faults() -> list[str]:
    """What pages complained of, none of which a page may: each test fails that leaves one here."""
    return []


@pytest.fixture
def open_page(site: Site, chromium: Browser, faults: list[str]) -> Iterator[OpenPage]:
    """Opens a page in a browser of its own, logged in unless `strange`; takes what Playwright's `new_context` takes:
    `open_page("logs", q="paid", options={"color_scheme": "dark"})`."""
    contexts: list[BrowserContext] = []

    def open_page(
        path: str = "logs", *, strange: bool = False, options: dict[str, Any] | None = None, **parameters: str
    ) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **(options or {})})
        contexts.append(context)
        context.add_init_script(_REPORT_VIOLATIONS)
        if not strange:
            context.add_cookies(site.cookies)  # type: ignore[arg-type]
        page = context.new_page()
        _watch(page, faults)
        answer = page.goto(site.page(path, **parameters))
        assert answer is not None
        assert answer.status == 200, page.inner_text("body")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def _watch(page: Page, faults: list[str]) -> None:
    """Note errors, refused contents, dialogs."""

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"{page.url}: {message.text}")

    def failed(error: Exception) -> None:
        faults.append(f"{page.url}: {error}")

    page.on("console", said)
    page.on("pageerror", failed)
    page.on("dialog", lambda dialog: (faults.append(f"{page.url}: a dialog: {dialog.message}"), dialog.dismiss()))
