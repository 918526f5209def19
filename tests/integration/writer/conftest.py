"""The writer's stage: `stage` on the embedded queue, `kafka_stage` on Kafka, `any_stage` on both in turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.writer.stage import Stage

SQLITE_SESSION_S, KAFKA_SESSION_S = 2.0, 6.0  # Kafka's brokers accept no shorter one


@pytest.fixture
async def stage(tmp_path: Path, clickhouse_database_url: str, topic_prefix: str) -> AsyncIterator[Stage]:
    url = f"sqlite:///{tmp_path}/queue.db"
    async with Stage(url, clickhouse_database_url, topic_prefix, SQLITE_SESSION_S, tmp_path) as made:
        yield made


@pytest.fixture
async def kafka_stage(
    tmp_path: Path, kafka_url: str, clickhouse_database_url: str, topic_prefix: str
) -> AsyncIterator[Stage]:
    async with Stage(kafka_url, clickhouse_database_url, topic_prefix, KAFKA_SESSION_S, tmp_path) as made:
        yield made


@pytest.fixture(params=["stage", "kafka_stage"], ids=["sqlite", "kafka"])
def any_stage(request: pytest.FixtureRequest) -> Stage:
    made: Stage = request.getfixturevalue(request.param)
    return made
