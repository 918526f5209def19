"""Limits of OTLP's own."""

MOST = 100_000
"""Records in one request: a Collector sends 8,192. A body within the limits of size may hold millions of empty ones."""
