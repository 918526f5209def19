"""The read API: its own routes over read-only ClickHouse connections. Ingest never imports it.

Reading is by signal: each folder here reads one of them, and nothing outside that folder knows it by name.
"""

from gateway.query.deps import QueryDeps
from gateway.query.groups import Groups
from gateway.query.reader import Reader
from gateway.query.signals import query_routes

__all__ = ["Groups", "QueryDeps", "Reader", "query_routes"]
