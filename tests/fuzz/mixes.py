"""Requests to all routes of a gateway, drawn from a seed: the same seed, the same requests."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from starlette.routing import Route

from gateway.app import build_app
from gateway.assembly import assemble
from shared import settings as sluice
from shared.registry import Registry
from tests.fuzz.requests import Known, Request, ingests, others, reads

T = TypeVar("T")


def drawn(strategy: st.SearchStrategy[T], n: int, seed_: int) -> list[T]:
    """At most `n` examples."""
    found: list[T] = []

    @seed(seed_)
    @settings(
        max_examples=n, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found


def routes() -> list[str]:
    """The paths of a gateway with both roles, from its own table, without those that only add a slash."""
    app = build_app(assemble(sluice.load({"SLUICE_QUEUE_URL": "sqlite:////nowhere/queue.db"})))
    return sorted({route.path for route in app.rest.routes if isinstance(route, Route) and route.path[-1] != "/"})


def requests(registry: Registry, known: Known) -> st.SearchStrategy[Request]:
    """Three in four to ingest routes."""
    paths = routes()
    ingest = [ingests(fmt, known) for fmt in registry.formats.values()]
    read = [reads(path, known) for path in paths if path.endswith("/logs") and "{" in path]
    return st.one_of(*ingest, *ingest, *ingest, *read, *read, others(paths, known))


def mix(registry: Registry, known: Known, n: int, seed_: int) -> Sequence[Request]:
    """About `n` requests."""
    return drawn(requests(registry, known), n, seed_)
