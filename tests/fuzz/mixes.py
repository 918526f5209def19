"""Requests to all routes of a gateway, drawn from a seed: the same seed, the same requests."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from starlette.routing import Route

from gateway.app import build_app
from gateway.assembly import assemble
from gateway.query.pages.route import PageRoute
from shared import settings as sluice
from shared.registry import Registry
from tests.fuzz.requests import Known, Request, ingests, others, reads
from tests.validating import Door, json_intakes

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
    """The paths of a gateway's API with both roles, from its own table, without those that only add a slash. Pages
    have no document that their answers could break; OTLP and Sentry's SDKs have a fuzz of their own."""
    app = build_app(assemble(sluice.load({"SLUICE_QUEUE_URL": "sqlite:////nowhere/queue.db"})))
    routes = [route for route in app.rest.routes if isinstance(route, Route) and not isinstance(route, PageRoute)]
    paths = {route.path for route in routes if route.path[-1] != "/"}
    return sorted(path for path in paths if not path.startswith(("/v1/", "/api/{sentry_project", "/api/store")))


def requests(registry: Registry, known: Known) -> st.SearchStrategy[Request]:
    """Most of them to ingest routes."""
    paths = routes()
    ingest = [ingests(Door(intake), known) for intake in json_intakes(registry)]
    read = [reads(path, known) for path in paths if path.endswith("/logs") and "{" in path]
    return st.one_of(*ingest, *ingest, *ingest, *read, *read, others(paths, known))


def mix(registry: Registry, known: Known, n: int, seed_: int) -> Sequence[Request]:
    """About `n` requests."""
    return drawn(requests(registry, known), n, seed_)


def variants(requests: Sequence[Request], random: Random, each: int) -> Iterator[Request]:
    """Variants of drawn requests, which are cheap: bodies with bytes changed, cut, doubled, or ends of others."""
    bodies = [request.body for request in requests if request.body]
    for request in requests:
        if request.body:
            for _ in range(each):
                yield request._replace(body=maimed(request.body, random, random.choice(bodies)))


def maimed(text: bytes, random: Random, other: bytes) -> bytes:
    """The text with a few bytes changed, or with the end of another text."""
    for _ in range(random.choice((1, 1, 2, 5))):
        at, to = sorted((random.randrange(len(text) + 1), random.randrange(len(text) + 1)))
        change = random.randrange(6)
        if change == 0:
            text = text[:at] + text[to:]
        elif change == 1:
            text = text[:at] + other[random.randrange(len(other) + 1) :]
        elif change == 2:
            text = text[:to] + text[at:]
        else:
            text = text[:at] + bytes([random.choice(_BYTES)]) + text[at + (change > 3) :]
        text = text[:5_100_000]
    return text


_BYTES = b'"\\{}[],:-+.eE0159tnu \n\0\x01\x7f\x80\xc3\xed\xff'


def raw(known: Known, random: Random, n: int) -> Iterator[bytes]:
    """Bytes that are almost HTTP."""
    body = b'{"logs":[{"level":"info","message":"raw"}]}'
    head = b"POST /ingest/logs HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n" % known.read.encode()
    whole = [
        head + b"content-length: %d\r\n\r\n" % len(body) + body,
        head + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        head + b"expect: 100-continue\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\n{}",
        b"GET http://x/api/v1/projects/p/logs?limit=1 HTTP/1.1\r\nx-api-key: %b\r\n\r\n" % known.read.encode(),
    ]
    yield from whole
    yield from _STRANGE
    for _ in range(n):
        yield maimed(random.choice(whole), random, random.choice(whole + _STRANGE))


_STRANGE = [
    *(
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/1.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ),
    *(
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET ?a HTTP/1.1\r\n\r\n",
    ),
    b"POST /ingest/logs HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    b"POST /ingest/logs HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n{}",
    b"POST /ingest/logs HTTP/1.1\r\ncontent-length: -1\r\n\r\n{}",
    b"POST /ingest/logs HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /health HTTP/1.1\r\na: " + b"b" * 300_000 + b"\r\n\r\n",
    b"GET /health HTTP/1.1\r\n" + b"a: b\r\n" * 5_000 + b"\r\n",
    b"",
]
