"""Two projects in a fresh Postgres, an empty queue, and a receiver."""

from collections.abc import AsyncIterator

import pytest

from gateway.query.observing import observation
from shared.clients.postgres import Postgres
from shared.queue.base import Queue
from tests.integration.gateway.query.alerts.bench import Bench
from tests.integration.gateway.query.alerts.receiver import Receiver
from tests.integration.gateway.query.read_api import Store


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as made:
        yield made


@pytest.fixture
async def bench(
    postgres: Postgres,
    migrated_postgres: str,
    store: Store,
    queue: Queue,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Bench]:
    monkeypatch.setattr(observation, "EVERY_S", 0.0)
    for name in ("lanes", "letters"):
        monkeypatch.setattr(f"gateway.query.observing.{name}.WAIT_S", 30.0)
    made = Bench(migrated_postgres, postgres, store, queue, receiver)
    yield made
    await made.close()
