"""`sluice doctor` beside real servers: well, ill, and away."""

import asyncio
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared import settings
from shared.clients.clickhouse import ClickHouse
from shared.clients.postgres import connect
from shared.migrations.run import migrate
from shared.registry import load
from tests.sluice import Ended, called


@pytest.fixture
def environment(
    clickhouse_database_url: str, postgres_database: str, redis_url: str, tmp_path: Path
) -> Mapping[str, str]:
    made = {
        "SLUICE_CLICKHOUSE_URL": clickhouse_database_url,
        "SLUICE_POSTGRES_URL": postgres_database,
        "SLUICE_REDIS_URL": redis_url,
        "SLUICE_QUEUE_URL": f"sqlite:///{tmp_path}/queue.db",
    }
    loaded = settings.load(made)
    asyncio.run(migrate(loaded, load()))
    return made


def doctor(environment: Mapping[str, str], *options: str) -> Ended:
    return called(["doctor", *options], environment)


def told(environment: Mapping[str, str]) -> list[Any]:
    """What isn't well, but for this machine's disk."""
    found = doctor(environment, "--json").json["findings"]
    return [each for each in found if each["state"] != "ok" and not each["sentence"].startswith("disk ")]


def test_what_is_well_and_what_only_warns(environment: Mapping[str, str]) -> None:
    ended = doctor(environment)
    assert ended.code == 0
    assert all(f"✓ {part}: version" in ended.out for part in ("postgres", "clickhouse", "redis"))
    found = told(environment)
    assert [each["part"] for each in found] == ["clickhouse reader", "queue"]
    assert "overflow topics without writers" in found[1]["sentence"], "no writer runs"
    assert len(told({**environment, "SLUICE_GATEWAY_LANE_RECORDS_S": "0"})) == 1
    assert doctor(environment, "--strict").code == 1


def test_a_table_without_a_column_a_small_window_and_a_topic_that_lacks(environment: Mapping[str, str]) -> None:
    with closing(ClickHouse(environment["SLUICE_CLICKHOUSE_URL"])) as server:
        server.query("ALTER TABLE spans DROP COLUMN status")
        server.query("ALTER TABLE logs MODIFY SETTING non_replicated_deduplication_window = 20")
    more = {**environment, "SLUICE_TOPICS_PREFIX": "other."}
    found = {(each["part"], each["state"], each["sentence"]) for each in told(more)}
    failures = [sentence for _, state, sentence in found if state == "failure"]
    assert any("added the column status: run `sluice migrate`" in each for each in failures)
    assert any("topics lack: other." in each for each in failures)
    assert any("logs remembers 20 blocks" in sentence for _, state, sentence in found if state == "warning")
    assert doctor(more).code == 1


def test_what_a_user_of_postgres_may_not_do(environment: Mapping[str, str], postgres_database: str) -> None:
    user = f"weak_{abs(hash(postgres_database)) % 10**9}"
    with connect(postgres_database) as db:
        db.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'x'")  # type: ignore[arg-type]
        db.execute(f"GRANT SELECT ON sluice_migrations, keys TO {user}")  # type: ignore[arg-type]
        db.commit()
    parts = urlsplit(postgres_database)
    address = parts.netloc.rpartition("@")[2]
    weak = {**environment, "SLUICE_POSTGRES_URL": parts._replace(netloc=f"{user}:x@{address}").geturl()}
    try:
        (sentence,) = [each["sentence"] for each in told(weak) if each["part"] == "postgres"]
    finally:
        with connect(postgres_database) as db:
            db.execute(f"DROP OWNED BY {user}; DROP ROLE {user}")  # type: ignore[arg-type]
            db.commit()
    assert "GRANT SELECT, INSERT ON" in sentence
    assert "keys, " in sentence


def test_neighbours_that_are_away_are_named_with_their_variable(tmp_path: Path) -> None:
    away = {
        "SLUICE_CLICKHOUSE_URL": "clickhouse://nobody@127.0.0.1:1/sluice",
        "SLUICE_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none",
        "SLUICE_REDIS_URL": "redis://127.0.0.1:1/0",
        "SLUICE_QUEUE_URL": f"sqlite:///{tmp_path}/none.db",
    }
    ended = doctor(away)
    assert ended.code == 1
    for name in ("SLUICE_CLICKHOUSE_URL", "SLUICE_POSTGRES_URL", "SLUICE_REDIS_URL"):
        assert name in ended.out
    assert "✓" not in ended.out
