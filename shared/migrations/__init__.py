"""`migrate`: makes Postgres, ClickHouse and the queue fit this version of Sluice."""

from shared.migrations.run import Report, migrate

__all__ = ["Report", "migrate"]
