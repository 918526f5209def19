"""Commands on real Postgres and Redis."""

from pathlib import Path

import pytest

from shared.clients.postgres import locked
from shared.migrations.postgres import migrate_postgres
from tests.integration.shared.cli import Cli


@pytest.fixture
async def cli(tmp_path: Path, postgres_database: str, redis_url: str) -> Cli:
    async with locked(postgres_database, "test", wait_s=5) as db:
        await migrate_postgres(db)
    (tmp_path / "var").mkdir()
    env = tmp_path / "var" / "env"
    env.write_text(f"SLUICE_POSTGRES_URL={postgres_database}\nSLUICE_REDIS_URL={redis_url}\n")
    return Cli(tmp_path, postgres_database)
