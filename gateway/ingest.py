"""One ingest route: a request's whole life, from the key to the answer after the queue's acknowledgement."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from starlette.types import Receive, Scope, Send

from gateway.auth import KeyCache, key_of, permit
from gateway.http.body import Bodies, ClientGone
from gateway.idempotency import Answer, Idempotency, digest_of, key_from
from gateway.ids import header_of, uuid7
from gateway.limits import Limits
from gateway.openapi import Operations
from gateway.openapi.ingest import taking_in
from gateway.origins import check_origin, readable
from gateway.publisher import Publisher
from gateway.rejections import InternalError, Rejection, Unavailable, respond
from gateway.validation.validator import Validated, Validator
from shared.clock import Clock
from shared.envelope import VERSION, Stamp
from shared.fingerprint import CURRENT as FINGERPRINT_VERSION
from shared.fingerprint import fingerprint
from shared.formats.base import Format, Outcome
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.signals.base import Signal

_log = structlog.get_logger(__name__)

_JSON = (b"content-type", b"application/json")

Headers = list[tuple[bytes, bytes]]
Given = Mapping[bytes, bytes]
"""A request's headers."""


@dataclass(frozen=True)
class IngestDeps:
    """What the ingest routes share in one process."""

    keys: KeyCache
    limits: Limits
    publisher: Publisher
    metrics: Metrics
    bodies: Bodies
    idempotency: Idempotency
    request_ids: Iterator[bytes]
    clock: Clock


class IngestRoute:
    """The ASGI application of one format's route.

    1. A 2xx is sent after every accepted record is durable in the queue, never before.
    2. Whatever is raised on the way is answered here, and nothing of the request is acknowledged.
    """

    def __init__(self, fmt: Format, signal: Signal, deps: IngestDeps) -> None:
        self.format = fmt
        self._signal = signal
        self._validator = Validator(fmt)
        self._keys = deps.keys
        self._limiter = deps.limits.of(fmt.counted_as)
        self._publisher = deps.publisher
        self._metrics = deps.metrics
        self._bodies = deps.bodies
        self._idempotency = deps.idempotency
        self._request_ids = deps.request_ids
        self._clock = deps.clock
        self._requests_ok = deps.metrics.requests.labels(fmt.route, "accepted")
        self._records_ok = deps.metrics.records.labels(fmt.route, "accepted")

    @property
    def operations(self) -> Operations:
        """What its methods do, for the API's description."""
        return {"POST": taking_in(self.format)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = [_JSON, (b"x-request-id", next(self._request_ids))]
        given = dict(scope["headers"])
        if (origin := given.get(b"origin")) is not None:
            headers += readable(origin)
        try:
            status, body = await self.accept(scope, given, receive, headers)
        except Rejection as rejection:
            status, body = self._refuse(rejection, headers)
        except ClientGone:
            self._metrics.requests.labels(self.format.route, "client_gone").inc()
            return
        except asyncio.CancelledError:  # the process ends, and waited long enough: what became of it is not known
            status, body = self._refuse(Unavailable(), headers)
        except Exception:
            _log.exception("unexpected error", route=self.format.route)
            status, body = self._refuse(InternalError(), headers)
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def accept(self, scope: Scope, given: Given, receive: Receive, headers: Headers) -> tuple[int, bytes]:
        """Authenticate, admit, read, validate, store once; (status, body) of the success.

        `given` are the request's headers, `headers` the answer's. Raises `Rejection`.
        """
        token = key_of(given.items())
        key = None if token is None else await self._admit(token, given, headers)
        body = await self._bodies.read(given, receive)
        if key is None:
            key = await self._admit(self._validator.key_in(body), given, headers)
        return await self._take(key, given, body, headers)

    async def _take(self, key: ResolvedKey, given: Given, body: bytes, headers: Headers) -> tuple[int, bytes]:
        """Validate, store once."""
        validated = self._validator.validate(body)
        name = key_from(given.get(b"idempotency-key")) or self._name(body, validated)
        if name is None:
            return await self._store(key, validated, headers)
        return await self._store_once(name, body, key, validated, headers)

    def _name(self, body: bytes, validated: Validated) -> bytes | None:
        """What a repeat of a request without an Idempotency-Key is told by: the client's own id of its one error."""
        ids = validated.event_ids
        return b"event:" + ids[0].encode() if len(ids) == 1 and ids[0] else None

    async def _store(self, key: ResolvedKey, validated: Validated, headers: Headers) -> tuple[int, bytes]:
        """Seal, publish, count; (status, body) once everything is durable."""
        stamp, outcome = self._seal(key, validated)
        if validated.n:
            await self._publisher.publish(self._signal.topic, stamp, validated.records)
        if outcome.event_ids:
            headers.append((b"x-event-id", header_of(outcome.event_ids)))
        if validated.dropped:
            headers.append((b"x-dropped", validated.x_dropped.encode()))
        self._count(validated)
        return self.format.reply(outcome)

    async def _store_once(
        self, name: bytes, body: bytes, key: ResolvedKey, validated: Validated, headers: Headers
    ) -> tuple[int, bytes]:
        """The same, but a repeat gets the first one's answer."""
        work = partial(self._answer, key, validated)
        answer = await self._idempotency.once(key.project_id, self.format.route, name, digest_of(body), work)
        headers += answer.headers
        return answer.status, answer.body

    async def _answer(self, key: ResolvedKey, validated: Validated) -> Answer:
        headers: Headers = []
        status, body = await self._store(key, validated, headers)
        return Answer(status, body, headers)

    async def _admit(self, token: str | None, given: Given, headers: Headers) -> ResolvedKey:
        """The key, once its request is counted: also one that is refused for its scope (403)."""
        key = await self._keys.resolve(token)
        if not self._limiter.admits(key, headers):
            await self._limiter.admit(key, headers)
        permit(key, "ingest")
        check_origin(key.origins, given)
        return key

    def _seal(self, key: ResolvedKey, validated: Validated) -> tuple[Stamp, Outcome]:
        now_us = self._clock() // 1000
        event_ids: tuple[str, ...] = ()
        fingerprints: Sequence[str] = ()
        if validated.event_ids:
            event_ids = tuple(sent or uuid7(now_us // 1000) for sent in validated.event_ids)
            fingerprints = [fingerprint(FINGERPRINT_VERSION, *of).hash for of in validated.prints_of]
        stamp = Stamp(
            v=VERSION,
            format=self.format.name,
            project_id=key.project_id,
            received_at=now_us,
            retention_days=key.retention_days,
            n=validated.n,
            service=validated.service,
            environment=validated.environment,
            release=validated.release,
            event_ids=event_ids,
            fingerprint_version=FINGERPRINT_VERSION if event_ids else 0,
        )
        return stamp, Outcome(validated.n + validated.pings, len(validated.dropped), fingerprints, event_ids)

    def _count(self, validated: Validated) -> None:
        self._requests_ok.inc()
        self._records_ok.inc(validated.n)
        if validated.pings:
            self._metrics.dropped(self._signal.name, "sdk_init", validated.pings)
        for _, reason in validated.dropped:
            self._metrics.records.labels(self.format.route, "dropped").inc()
            self._metrics.dropped(self._signal.name, reason, 1)

    def _refuse(self, rejection: Rejection, headers: Headers) -> tuple[int, bytes]:
        self._metrics.requests.labels(self.format.route, rejection.reason).inc()
        status, body, extra = respond(rejection, self.format.api)
        headers += [(name.lower().encode(), value.encode()) for name, value in extra.items()]
        return status, body
