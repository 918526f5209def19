"""The writer's stage, on the embedded queue; tests that ask for `any_stage` run on Kafka too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.writer.kit import Stage


@pytest.fixture
async def stage(tmp_path: Path, clickhouse_database_url: str, topic_prefix: str) -> AsyncIterator[Stage]:
    made = Stage(f"sqlite:///{tmp_path}/queue.db", clickhouse_database_url, topic_prefix, 1.0, tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture(params=["sqlite", "kafka"])
async def any_stage(
    request: pytest.FixtureRequest, tmp_path: Path, clickhouse_database_url: str, topic_prefix: str
) -> AsyncIterator[Stage]:
    kafka = request.param == "kafka"
    url = request.getfixturevalue("kafka_url") if kafka else f"sqlite:///{tmp_path}/queue.db"
    # Kafka's brokers accept no shorter session than 6 s.
    made = Stage(url, clickhouse_database_url, topic_prefix, 6.0 if kafka else 1.0, tmp_path)
    await made.open()
    yield made
    await made.close()
