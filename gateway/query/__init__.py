"""The read API: routes of their own over read-only ClickHouse connections. Ingest never imports it."""

from gateway.query.deps import QueryDeps
from gateway.query.reader import Reader
from gateway.query.logs.routes import query_routes

__all__ = ["QueryDeps", "Reader", "query_routes"]
