"""One ingest route: a request's whole life, from the key to the answer after the queue's acknowledgement."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import structlog
from starlette.types import Receive, Scope, Send

from gateway.apis import Apis
from gateway.apis.base import Api
from gateway.auth import KeyCache, key_of, permit
from gateway.http.answer import Answer, Headers
from gateway.http.answer_headers import send_answer, standing_headers
from gateway.http.body import Bodies, ClientGone
from gateway.http.ids import header_of
from gateway.http.request import Request
from gateway.idempotency import Idempotency, digest_of, key_from
from gateway.limits import Limits
from gateway.origins import check_origin
from gateway.publisher import Publisher, messages, stamp_of
from gateway.rejections import InternalError, NotFound, Rejection, Unavailable, Unreadable
from gateway.validation.nesting import is_too_deep
from gateway.validation.parts import Opened, Part
from gateway.validation.validator import Validator, unwrapped, validator
from shared.clock import Clock
from shared.envelope import Stamp
from shared.fingerprint import CURRENT as FINGERPRINT_VERSION
from shared.fingerprint import fingerprint
from shared.formats.intake import Intake, Outcome
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.registry import Registry

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class IngestDeps:
    """What the ingest routes share in one process."""

    registry: Registry
    apis: Apis
    keys: KeyCache
    limits: Limits
    publisher: Publisher
    metrics: Metrics
    bodies: Bodies
    idempotency: Idempotency
    request_ids: Iterator[bytes]
    clock: Clock


Body = tuple[Validator, Opened]
"""A body of one format, after its first decode."""


class IngestRoute:
    """The ASGI application of one intake.

    1. A 2xx is sent after every accepted record is durable in the queue, never before.
    2. Whatever is raised on the way is answered here, in the words of the intake's API, and nothing of the request is
       acknowledged.
    """

    def __init__(self, intake: Intake, deps: IngestDeps) -> None:
        self.intake = intake
        self.registry = deps.registry
        self.api: Api = deps.apis.of(intake)
        self._content_type = (b"content-type", self.api.media_type.encode())
        formats = [deps.registry.formats[name] for name in intake.bodies]
        self._validators = {fmt.name: validator(fmt, intake.bodies[fmt.name], self.api) for fmt in formats}
        self._signals = {fmt.name: deps.registry.signal_of(fmt) for fmt in formats}
        self._keys = deps.keys
        self._limiter = deps.limits.of(intake.kind)
        self._publisher = deps.publisher
        self._metrics = deps.metrics
        self._bodies = deps.bodies
        self._idempotency = deps.idempotency
        self._request_ids = deps.request_ids
        self._clock = deps.clock
        self._requests_ok = deps.metrics.requests.labels(intake.route, "accepted")
        self._records_ok = deps.metrics.records.labels(intake.route, "accepted")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, self._bodies)
        headers = request.answer_headers
        headers.append(self._content_type)
        headers += standing_headers(self._request_ids, request.headers.get(b"origin"))
        try:
            answer = await self.accept(request)
        except Rejection as rejection:
            answer = self._refused(rejection)
        except ClientGone:
            self._metrics.requests.labels(self.intake.route, "client_gone").inc()
            return
        except asyncio.CancelledError:  # the process ends, and waited long enough: the outcome is not known
            answer = self._refused(Unavailable())
        except Exception:
            _log.exception("unexpected error", route=self.intake.route)
            answer = self._refused(InternalError())
        await send_answer(send, answer, headers)

    async def accept(self, request: Request) -> Answer:
        """The answer to a request, once everything of it is durable. Raises `Rejection`, `ClientGone`."""
        key = await self._authenticate(request)
        await self.vouch(request, key)
        parts = await self._validate(request)
        return await self._publish_once(request, key, parts)

    async def _authenticate(self, request: Request) -> ResolvedKey:
        """By a header before the body is read, else by what stands in the body."""
        token = key_of(request.headers.items())
        if token is None:
            bodies = await self._open(request)
            token = next((key for validator, opened in bodies if (key := validator.key_in(opened)) is not None), None)
        return await self._admit(request, token)

    async def _admit(self, request: Request, token: str | None) -> ResolvedKey:
        """The key, once its request is counted: also one that is refused for its scope (403)."""
        key = await self._keys.resolve(token)
        if not self._limiter.admits(key, request.answer_headers):
            await self._limiter.admit(key, request.answer_headers)
        permit(key, "ingest")
        check_origin(key.origins, request.headers)
        return key

    async def vouch(self, request: Request, key: ResolvedKey) -> None:
        """Raises `Rejection` for a key that this request may not use."""
        if request.path_parameters.get("project_id", key.project_id) != key.project_id:
            raise NotFound

    async def _open(self, request: Request) -> list[Body]:
        """The body of each format in the request. Raises `MalformedJson`, `Unreadable`."""
        if request.opened is None:
            content_type = request.headers.get(b"content-type", b"").decode("latin-1")
            bodies = unwrapped(self.intake, self.api, await request.body(), content_type)
            request.opened = [await self._opened(name, text) for name, text in bodies]
        opened: list[Body] = request.opened
        return opened

    async def _opened(self, name: str, text: bytes) -> Body:
        validator = self._validators[name]
        if validator.looks_too_deep(text) and await asyncio.to_thread(is_too_deep, text):
            raise Unreadable("nested too deeply")
        return validator, validator.opened(text)

    async def _validate(self, request: Request) -> list[Part]:
        return [validator.validate(opened) for validator, opened in await self._open(request)]

    async def _publish_once(self, request: Request, key: ResolvedKey, parts: list[Part]) -> Answer:
        """A repeat of a request gets the first one's answer."""
        body = await request.body()
        name = key_from(request.headers.get(b"idempotency-key")) or self._repeated_by(body, parts)
        if name is None:
            return await self._publish(key, parts)
        publish = partial(self._publish, key, parts)
        return await self._idempotency.once(key.project_id, self.intake.route, name, digest_of(body), publish)

    def _repeated_by(self, body: bytes, parts: list[Part]) -> bytes | None:
        """What tells a repeat without an Idempotency-Key: a drain's body, or the client's own id of its one error."""
        if self.intake.kind == "drain":
            return b"body:" + digest_of(body) if any(part.n for part in parts) else None
        ids = [event_id for part in parts for event_id in part.event_ids]
        return b"event:" + ids[0].encode() if len(ids) == 1 and ids[0] else None

    async def _publish(self, key: ResolvedKey, parts: list[Part]) -> Answer:
        now_us = self._clock() // 1000
        stamps = [stamp_of(part, key, now_us) for part in parts]
        to_store = [
            message
            for stamp, part in zip(stamps, parts, strict=True)
            if part.n
            for message in messages(self._signals[stamp.format].topic, stamp, part.payload, part.format.codec)
        ]
        if to_store:
            await self._publisher.publish(to_store)
        outcome = outcome_of(stamps, parts)
        self._count(parts)
        status, body = self.intake.reply(outcome)
        return Answer(status, body, headers_of(outcome, parts))

    def _count(self, parts: list[Part]) -> None:
        self._requests_ok.inc()
        for part in parts:
            self._records_ok.inc(part.n)
            if part.pings or part.dropped:
                self._count_dropped(self._signals[part.format.name].name, part)

    def _count_dropped(self, signal: str, part: Part) -> None:
        if part.pings:
            self._metrics.dropped(signal, "sdk_init", part.pings)
        for _, reason in part.dropped:
            self._metrics.records.labels(self.intake.route, "dropped").inc()
            self._metrics.dropped(signal, reason, 1)

    def _refused(self, rejection: Rejection) -> Answer:
        self._metrics.requests.labels(self.intake.route, rejection.reason).inc()
        return self.api.answer(rejection)


def outcome_of(stamps: list[Stamp], parts: list[Part]) -> Outcome:
    """What the success body is made of."""
    return Outcome(
        accepted=sum(part.n + part.pings for part in parts),
        dropped=sum(len(part.dropped) for part in parts),
        fingerprints=[fingerprint(FINGERPRINT_VERSION, *of).hash for part in parts for of in part.prints_of],
        event_ids=[event_id for stamp in stamps for event_id in stamp.event_ids],
    )


def headers_of(outcome: Outcome, parts: list[Part]) -> Headers:
    """The headers that tell of the records."""
    headers: Headers = []
    if outcome.event_ids:
        headers.append((b"x-event-id", header_of(outcome.event_ids)))
    if outcome.dropped:
        headers.append((b"x-dropped", ", ".join(told for part in parts for told in part.told).encode()))
    return headers
