"""Gateway and writer in this process, without a queue between: what the gateway accepts, the writer must make rows of.

All code is real except for three neighbours: messages are kept in a list, keys come from a dict, and Redis is away,
which the gateway must live with (a repeat is then stored twice, so every accepted record is a row).
"""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Sequence
from time import time_ns
from typing import Any
from urllib.parse import unquote

from gateway import apis
from gateway.app import Deps, Life, build_app
from gateway.auth import KeyCache
from gateway.drains.handshake import VerifyCodes
from gateway.drains.route import DrainDeps
from gateway.health import Readiness
from gateway.http.body import Bodies
from gateway.http.deadlines import Deadlines
from gateway.http.ids import request_ids
from gateway.http.unpack import Unpacker
from gateway.idempotency import Idempotency
from gateway.ingest import IngestDeps, IngestRoute
from gateway.limits import Limits
from gateway.publisher import Publisher
from gateway.validation.aside import Aside
from shared.clients.postgres import Postgres
from shared.clients.redis import Redis
from shared.hourly_counts import HourlyCounts
from shared.keys import ResolvedKey, hash_key
from shared.metrics import Metrics
from shared.queue.base import Lane, Message, MessageTooLarge, Published
from shared.registry import load
from shared.settings import Gateway, Topics
from shared.signals.base import Table
from tests.fuzz.requests import Answer, Known, Request
from writer.converter import Converter
from writer.main import NESTING
from writer.wire.block import Block

PROJECT = "p"
KNOWN = Known(PROJECT, ingest="dt_ingest", read="pk_read", browser="pk_browser")

_KEYS = {
    hash_key(KNOWN.ingest): ResolvedKey(key_id="1", project_id=PROJECT, scopes=frozenset({"ingest"})),
    hash_key(KNOWN.read): ResolvedKey(key_id="2", project_id=PROJECT, scopes=frozenset({"read"})),
    hash_key(KNOWN.browser): ResolvedKey(
        key_id="3", project_id=PROJECT, scopes=frozenset({"ingest"}), origins=("https://app.example.com",)
    ),
}


class _Kept:
    """A producer that keeps what is published, up to the topics' message size."""

    def __init__(self) -> None:
        self.messages: dict[str, list[bytes]] = defaultdict(list)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def check(self) -> None: ...

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        if len(value) > Topics().max_message_bytes:
            raise MessageTooLarge(str(len(value)))
        self.messages[topic].append(value)
        return Published(Lane(topic, 0), len(self.messages[topic]))


class InProcess:
    """One gateway and the writer's conversion. Create it once: offsets keep rising."""

    def __init__(self) -> None:
        self.registry = load()
        self._runner = asyncio.Runner()
        self.producer = _Kept()
        self._converters = {
            name: Converter(signal.table, self.registry.formats_of(signal))
            for name, signal in self.registry.signals.items()
        }
        self._offsets: dict[str, int] = defaultdict(int)
        self._seen: dict[str, list[bytes]] = defaultdict(list)
        self._aside = Aside(self.registry, None, waiting_bytes=64_000_000, within_s=60.0)
        self.counts = HourlyCounts(Postgres("postgresql://nobody@127.0.0.1:1/none"))
        self._app = build_app(self._deps())

    def _deps(self) -> Deps:
        metrics, redis, limits = Metrics(), Redis("redis://127.0.0.1:1"), Gateway()

        async def lookup(digest: str) -> ResolvedKey | None:
            return _KEYS.get(digest)

        async def codes_of(project_ids: Sequence[str]) -> dict[str, str]:
            return {}

        known, ids = apis.load(), request_ids()
        return Deps(
            metrics=metrics,
            apis=known,
            request_ids=ids,
            readiness=Readiness({}, frozenset),
            ingest=IngestDeps(
                registry=self.registry,
                apis=known,
                keys=KeyCache(lookup, fresh_s=1e9, stale_s=1e9),
                limits=Limits(redis, metrics, ingest=0, read=0),
                publisher=Publisher(self.producer, self.registry, metrics),
                metrics=metrics,
                bodies=Bodies(
                    max_bytes=limits.max_body_bytes,
                    max_held=limits.held_bytes,
                    unpacker=Unpacker(limits.max_unpacked_bytes, limits.max_unpack_ratio),
                    deadlines=Deadlines(60),
                ),
                aside=self._aside,
                idempotency=Idempotency(redis, metrics),
                request_ids=ids,
                clock=time_ns,
                counts=self.counts,
            ),
            drain=DrainDeps(VerifyCodes(codes_of)),
            sourcemap_routes=(),
            query_routes=(),
            life=Life(),
        )

    def route(self, path: str) -> IngestRoute:
        return self._app._ingest[path]

    @property
    def ingest_routes(self) -> frozenset[str]:
        return frozenset(intake.route for intake in self.registry.intakes)

    def ask(self, request: Request) -> Answer:
        """The gateway's answer to an ingest request."""
        return self._runner.run(self._ask(request))

    async def _ask(self, request: Request) -> Answer:
        path, _, query = request.target.partition(b"?")
        scope = {
            "type": "http",
            "method": request.method,
            "path": unquote(path.decode()),
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in request.headers],
        }
        chunks = [request.body[:7], request.body[7:]]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": chunks.pop(0) if chunks else b"", "more_body": bool(chunks)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start, *rest = sent
        headers = [(name.decode(), value.decode("latin-1")) for name, value in start["headers"]]
        body = b"".join(part.get("body", b"") for part in rest)
        return Answer(start["status"], headers, b"" if request.method == "HEAD" else body)

    def rows(self) -> list[tuple[Table, Block]]:
        """The writer's rows of everything published since the last call: a block of each topic.

        Raises AssertionError naming the first record that would become a dead letter.
        """
        taken, self.producer.messages = self.producer.messages, defaultdict(list)
        made = self._converted_all(taken)
        for topic, values in taken.items():
            self._seen[topic] += values
        return made

    def all_rows(self) -> list[tuple[Table, Block]]:
        """The same rows as `rows` has returned since this was last called, but one batch for each topic."""
        seen, self._seen = self._seen, defaultdict(list)
        return self._converted_all(seen)

    def _converted_all(self, messages: dict[str, list[bytes]]) -> list[tuple[Table, Block]]:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(NESTING)
        try:
            return [self._converted(topic, values) for topic, values in messages.items()]
        finally:
            sys.setrecursionlimit(before)

    def _converted(self, topic: str, values: list[bytes]) -> tuple[Table, Block]:
        first, converter = self._offsets[topic], self._converters[topic]
        self._offsets[topic] += len(values)
        messages = [Message(first + n, 0, None, value) for n, value in enumerate(values)]
        made = converter.convert(Lane(topic, 0), [converter.read(each) for each in messages], time_ns() // 1000)
        assert not made.letters, f"accepted and not storable: {made.letters[0]}"
        assert not made.expired
        return self.registry.signals[topic].table, made.block

    def close(self) -> None:
        self._runner.run(self._aside.close())
        self._runner.close()
