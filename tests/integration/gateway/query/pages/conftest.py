"""The pages without the rest of the gateway, on real Postgres, Redis and ClickHouse."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from gateway.query import Reader
from gateway.query.observing import observation
from gateway.query.observing.delivery import Delivery
from shared.clients.postgres import Postgres, connect
from shared.clients.redis import Redis
from shared.clock import clock
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from shared.queue.base import Queue
from shared.queue.writer_groups import WriterGroups
from shared.registry import load
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, Strangers, Watermark, pages_app
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
async def delivery(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Delivery]:
    """Looked at anew by each who asks."""
    monkeypatch.setattr(observation, "EVERY_S", 0.0)
    for name in ("lanes", "letters"):
        monkeypatch.setattr(f"gateway.query.observing.{name}.WAIT_S", 30.0)
    made = Delivery.of(queue, WriterGroups("writers"), load(), clock(0))
    yield made
    await made.close()


@pytest.fixture
def watermark() -> Watermark:
    return Watermark()


@pytest.fixture
async def open_browser(
    store: Store, keys_url: str, keys: Keys, redis_url: str, delivery: Delivery, watermark: Watermark
) -> AsyncIterator[OpenBrowser]:
    """Opens a browser, each at an address of its own: `open_browser(scheme="https")`."""
    reader, postgres, redis = Reader(store.url), Postgres(keys_url), Redis(redis_url)
    app = pages_app(reader, postgres, redis, delivery, watermark.ask)
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
async def stranger(open_browser: OpenBrowser, other_project: str) -> Browser:
    """Logged in with the read key of project `q`."""
    opened = open_browser()
    assert (await opened.log_in(key=other_project)).status_code == 303
    return opened


@pytest.fixture
async def reader(browser: Browser, keys: Keys) -> Browser:
    """Logged in with the read key of project `p`."""
    assert (await browser.log_in(key=keys.read)).status_code == 303
    return browser
