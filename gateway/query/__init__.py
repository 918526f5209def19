"""The read API: routes of their own over read-only ClickHouse connections. Ingest never imports it."""

from gateway.query.deps import QueryDeps
from gateway.query.logs.routes import query_routes
from gateway.query.reader import Reader

__all__ = ["QueryDeps", "Reader", "query_routes"]
