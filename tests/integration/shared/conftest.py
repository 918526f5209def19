"""Commands on real Postgres and Redis."""

from pathlib import Path

import pytest

from tests.integration.shared.cli import Cli


@pytest.fixture
def cli(tmp_path: Path, migrated_postgres: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    (tmp_path / "var").mkdir()
    env = tmp_path / "var" / "env"
    env.write_text(f"SLUICE_POSTGRES_URL={migrated_postgres}\nSLUICE_REDIS_URL={redis_url}\n")
    monkeypatch.chdir(tmp_path)
    return Cli(migrated_postgres)
