"""The queue contract's fixtures: every test that asks for `queue` runs on each queue."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from shared.queue.base import Producer, Queue
from tests.contract.engines import SESSION_S, SQLITE, engine, open_queue
from tests.topics import topic_spec

MakeTopic = Callable[..., Awaitable[str]]


@pytest.fixture(params=["sqlite", "kafka"])
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "kafka":
        return str(request.getfixturevalue("kafka_url"))
    return f"{SQLITE}{tmp_path}/queue.db"


@pytest.fixture
async def queue(queue_url: str) -> AsyncIterator[Queue]:
    queue = open_queue(queue_url)
    yield queue
    await queue.close()


@pytest.fixture
def session_s(queue_url: str) -> float:
    """How long a silent member keeps its lanes."""
    return SESSION_S[engine(queue_url)]


@pytest.fixture
async def make_topic(queue: Queue) -> MakeTopic:
    """Makes a fresh topic: `await make_topic(partitions=2, ...)` with the fields of `TopicSpec`."""

    async def make(**spec: Any) -> str:
        name = f"contract-{uuid4().hex[:12]}"
        assert await queue.create_topics([topic_spec(name, **{"partitions": 1, **spec})]) == [name]
        return name

    return make


@pytest.fixture
async def producer(queue: Queue) -> AsyncIterator[Producer]:
    producer = queue.producer()
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
def group() -> str:
    return f"group-{uuid4().hex[:12]}"
