"""Limits of OTLP's own."""

PUBLISH_WITHIN_S = 4.0
"""SDKs give a batch 10 s, all tries included: a 503 must come while they can still try again."""

MOST = 100_000
"""Records in one request: a Collector sends 8,192 (opentelemetry.md, "From a Collector"). A body within the
limits of size may hold millions of empty ones."""
