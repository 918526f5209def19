"""A module's own tables in ClickHouse, empty for each test."""

from collections.abc import Iterator

import pytest

from tests.integration.gateway.query.read_api import Store, temporary_store


@pytest.fixture(scope="module")
def tables(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        yield made


@pytest.fixture
def store(tables: Store) -> Store:
    return tables.empty()
