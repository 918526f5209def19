"""The pages without the rest of the gateway, on real Postgres, Redis and ClickHouse."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from gateway.query import Reader
from shared.clients.postgres import Postgres, connect
from shared.clients.redis import Redis
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, Strangers, pages_app
from tests.integration.gateway.query.read_api import Store

OpenBrowser = Callable[..., Browser]


@pytest.fixture(scope="module")
def other_project(keys_url: str, keys: Keys) -> str:
    """A read key of a second project, `q`."""
    key = generate("dt")
    with connect(keys_url) as db:
        create_project(db, Project(id="q", name="Q"))
        create_key(db, "q", key, scopes=["read"])
    return key


@pytest.fixture
async def open_browser(store: Store, keys_url: str, keys: Keys, redis_url: str) -> AsyncIterator[OpenBrowser]:
    """Opens a browser, each at an address of its own: `open_browser(scheme="https")`."""
    reader, postgres, redis = Reader(store.url), Postgres(keys_url), Redis(redis_url)
    app = pages_app(reader, postgres, redis)
    strangers, opened = Strangers(), []

    def open(scheme: str = "http", address: str = "") -> Browser:
        transport = httpx.ASGITransport(app, client=(address or strangers.next(), 1))
        opened.append(httpx.AsyncClient(transport=transport, base_url=f"{scheme}://sluice.test"))
        return Browser(opened[-1])

    yield open
    for client in opened:
        await client.aclose()
    await reader.close()
    await postgres.close()
    await redis.close()


@pytest.fixture
def browser(open_browser: OpenBrowser) -> Browser:
    return open_browser()


@pytest.fixture
async def reader(browser: Browser, keys: Keys) -> Browser:
    """Logged in with the read key of project `p`."""
    assert (await browser.log_in(key=keys.read)).status_code == 303
    return browser
