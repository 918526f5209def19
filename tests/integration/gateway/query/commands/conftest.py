"""`sluice` on a module's tables, a project in Postgres, and an empty queue."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.commands.sluice import Sluice
from tests.integration.gateway.query.read_api import Asker, Store


@pytest.fixture
def sluice(store: Store, keys: Keys, keys_url: str, queue_url: str, tmp_path: Path) -> Sluice:
    environment = {
        "SLUICE_POSTGRES_URL": keys_url,
        "SLUICE_CLICKHOUSE_URL": store.url,
        "SLUICE_QUEUE_URL": queue_url,
        "SLUICE_DATA_DIR": str(tmp_path),
        "SLUICE_PROJECT_ID": "p",  # other tests make projects in the same database
    }
    return Sluice(environment)


@pytest.fixture
def routes(store: Store) -> Iterator[Asker]:
    with Asker(store) as asker:
        yield asker
