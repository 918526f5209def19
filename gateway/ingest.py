"""One ingest route: a request's whole life, from the key to the answer after the queue's acknowledgement."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send

from gateway.apis import Apis
from gateway.apis.base import Api
from gateway.auth import KeyCache, permit
from gateway.events import Events, has_ids
from gateway.http.answer import Answer, Headers
from gateway.http.answer_headers import send_answer, standing_headers
from gateway.http.body import Bodies
from gateway.http.browsers import CREDENTIALS
from gateway.http.ids import header_of
from gateway.http.request import ClientGone, Request
from gateway.idempotency import IMPLICIT, Idempotency, digest_of, key_from
from gateway.limits import Limits
from gateway.origins import check_origin
from gateway.publisher import Accepted, Publisher
from gateway.rejections import InternalError, NotFound, Rejection, Unavailable
from gateway.validation.aside import Aside
from gateway.validation.checks import Checks, key_in
from gateway.validation.parts import TOLD, Part
from gateway.validation.sizes import Heavy
from shared.clock import Clock
from shared.envelope import Stamp
from shared.fingerprint import CURRENT as FINGERPRINT_VERSION
from shared.fingerprint import fingerprint
from shared.fingerprint.rules import NO_RULES, Rules
from shared.formats.intake import Intake, Outcome
from shared.hourly_counts import HourlyCounts
from shared.keys import ResolvedKey
from shared.metrics import DropReason, Metrics
from shared.registry import Registry

_log = structlog.get_logger(__name__)
_level = logging.getLogger(__name__)

SPOOLED: Headers = [(b"x-sluice-spooled", b"1")]


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
    aside: Aside
    idempotency: Idempotency
    request_ids: Iterator[bytes]
    clock: Clock
    counts: HourlyCounts
    sentry_quiet: bool = True
    """Whether Sentry's SDKs are asked not to send what is not stored."""


class IngestRoute:
    """The ASGI application of one intake.

    1. A 2xx is sent after every accepted record is durable in the queue, or in a spool that says so, never before.
    2. Whatever is raised on the way is answered here, in the words of the intake's API, and nothing of the request is
       acknowledged.
    """

    def __init__(self, intake: Intake, deps: IngestDeps) -> None:
        self.intake = intake
        self.registry = deps.registry
        self.api: Api = deps.apis.of(intake)
        self._content_type = None if self.api.also else self.api.content_type
        """Of all answers; None where it is that of the request."""
        self._key_of = self.api.key_of
        self._checks = Checks(intake, deps.registry, self.api)
        self._aside = deps.aside
        self._keys = deps.keys
        self._limiter = deps.limits.of(intake.kind)
        self._publisher = deps.publisher
        self._metrics = deps.metrics
        self._bodies = deps.bodies
        self._idempotency = deps.idempotency
        self._events = Events(deps.idempotency)
        self._request_ids = deps.request_ids
        self._clock = deps.clock
        self._counts = deps.counts
        signals = [deps.registry.formats[name].signal for name in intake.bodies]
        self._signal = signals[0]
        """What is refused, as far as that is known."""
        self._accepted = {signal: deps.counts.tally(signal, "accepted") for signal in signals}
        self._all_accepted = self._accepted[signals[0]] if len(self._accepted) == 1 else None
        self._requests_ok = deps.metrics.tallies.of(deps.metrics.requests.labels(intake.route, "accepted"))
        self._records_ok = deps.metrics.tallies.of(deps.metrics.records.labels(intake.route, "accepted"))
        self._seconds = deps.metrics.request_seconds.of(intake.route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        request = Request(scope, receive, self._bodies)
        headers = request.answer_headers
        if (origin := request.headers.get(b"origin")) is not None:
            headers.append(CREDENTIALS)
        headers += standing_headers(self._request_ids, origin)
        try:
            answer = await self.accept(request)
        except Rejection as rejection:
            answer = self._refused(request, rejection)
        except ClientGone:
            self._metrics.requests.labels(self.intake.route, "client_gone").inc()
            return
        except asyncio.CancelledError:  # shutdown has waited long enough: the outcome is unknown
            answer = self._refused(request, Unavailable())
        except Exception:
            _log.exception("unexpected error", route=self.intake.route)
            answer = self._refused(request, InternalError())
        finally:
            request.forget()
        headers.append(self._content_type or self._answering(request).content_type)
        await send_answer(scope, send, answer, headers)
        self._seconds.observe(perf_counter() - started)

    async def accept(self, request: Request) -> Answer:
        """The answer to a request, once all of it is durable. Raises `Rejection`, `ClientGone`."""
        token = self.token_of(request)
        key = None if token is None else await self._admit(request, token)
        if not request.is_here():
            await request.read()
        if b"content-encoding" in request.headers:
            await request.unpack(key.project_id if key else "")
        if key is None:
            token = await self._key_in(request)
            key = await self._admit(request, token)
        self.vouch(request, key)
        content_type = request.headers.get(b"content-type", b"")
        try:
            bodies = request.opened or self._checks.opened(request.body, content_type)
            parts = self._checks.parts(bodies)
        except Heavy:
            parts = await self._aside.parts(key.project_id, self.intake.route, request.body, content_type)
        return await self.settle(request, token, key, parts)

    def token_of(self, request: Request) -> str | None:
        """The key that a request carries outside of its body; None for none."""
        return self._key_of(request.headers)

    def settle(
        self, request: Request, token: str | None, key: ResolvedKey, parts: list[Part]
    ) -> Coroutine[Any, Any, Answer]:
        """Publish, or give the answer of before to a repeat. No coroutine of its own: it is on everybody's path."""
        publish = self._publish_once if has_ids(parts) else self._publish
        name = key_from(request.headers.get(b"idempotency-key")) or self._repeated_by(request.body, token, parts)
        if name is None:
            return publish(key, parts)
        if self.api.also:  # the answer that is kept is in one encoding
            name += b" " + self._answering(request).media_type.encode()
        digest = digest_of(request.body, token)
        return self._idempotency.once(key.project_id, self.intake.route, name, digest, partial(publish, key, parts))

    async def _admit(self, request: Request, token: str | None) -> ResolvedKey:
        """The key. Its request counts against the limit even if it is then refused with 403."""
        key = await self._keys.resolve(token)
        request.project_id = key.project_id
        if not self._limiter.admits(key, request.answer_headers):  # nearly always true, without a coroutine
            await self._limiter.admit(key, request.answer_headers)
        permit(key, "ingest")
        check_origin(key.origins, request.headers)
        return key

    def vouch(self, request: Request, key: ResolvedKey) -> None:
        """Raise `Rejection` if this request may not use the key."""
        named = request.path_parameters
        if named and named.get("project_id", key.project_id) != key.project_id:
            raise NotFound

    async def _key_in(self, request: Request) -> str | None:
        """The key in the body. Raises `Rejection`."""
        content_type = request.headers.get(b"content-type", b"")
        try:
            request.opened = self._checks.opened(request.body, content_type)
            return key_in(request.opened)
        except Heavy:
            return await self._aside.key_in(self.intake.route, request.body, content_type)

    def _repeated_by(self, body: bytes, token: str | None, parts: list[Part]) -> bytes | None:
        """What identifies a repeated request without an Idempotency-Key: a drain's body."""
        if self.intake.kind != "drain" or not any(part.n for part in parts):
            return None
        return IMPLICIT + b"body:" + digest_of(body, token)

    async def _publish_once(self, key: ResolvedKey, parts: list[Part]) -> Answer:
        """Publish, and of the events that a client gave an id only those that were not published before."""
        return await self._events.once(key.project_id, self.intake.route, parts, partial(self._publish, key))

    async def _publish(self, key: ResolvedKey, parts: list[Part]) -> Answer:
        now_us = self._clock() // 1000
        publishing = self._publisher.publish(parts, key, now_us)
        stamps, spooled = await (publishing if self.intake.publish_within_s is None else self._in_time(publishing))
        self._requests_ok.n += 1
        for part in parts:
            if part.is_derived:
                self._count_derived(part, key.project_id, now_us)
                continue
            self._records_ok.n += part.n
            accepted = self._all_accepted
            if accepted is None:
                accepted = self._accepted[part.format.signal]
            accepted[key.project_id] += part.n
            if part.pings or part.dropped:
                self._count_dropped(part, key.project_id, now_us)
        outcome = outcome_of(parts, stamps, key.rules)
        status, body = self.intake.reply(outcome)
        if not outcome.event_ids and not outcome.dropped and not spooled:
            return Answer(status, body)
        return Answer(status, body, headers_of(outcome, parts) + SPOOLED * spooled)

    async def _in_time(self, publishing: Coroutine[Any, Any, Accepted]) -> Accepted:
        """The same. Raises `Unavailable` also where it takes too long: then some messages may be stored."""
        try:
            async with asyncio.timeout(self.intake.publish_within_s):
                return await publishing
        except TimeoutError as error:
            self._publisher.failed()
            raise Unavailable from error

    def _count_dropped(self, part: Part, project_id: str, now_us: int) -> None:
        signal, reasons = part.format.signal, Counter[DropReason](reason for _, reason in part.dropped)
        if part.dropped:
            self._metrics.records.labels(self.intake.route, "dropped").inc(len(part.dropped))
        if part.pings:
            reasons["sdk_init"] += part.pings
        for reason, n in reasons.items():
            self._metrics.dropped(signal, reason, n)
            self._counts.add(project_id, signal, "dropped", n, now_us, reason)

    def _count_derived(self, part: Part, project_id: str, now_us: int) -> None:
        signal = part.format.signal
        self._metrics.derived.labels(signal).inc(part.n)
        self._counts.add(project_id, signal, "derived", part.n, now_us)
        if part.duplicates:
            self._metrics.dropped(signal, "duplicate_exception", part.duplicates)
        if part.left_out:
            self._metrics.dropped(signal, "too_many_exceptions", part.left_out)
            self._counts.add(project_id, signal, "dropped", part.left_out, now_us, "too_many_exceptions")

    def _answering(self, request: Request) -> Api:
        """The API in the encoding of a request."""
        return self.api.dialect(request.headers.get(b"content-type", b""), request.body)

    def _refused(self, request: Request, rejection: Rejection) -> Answer:
        self._metrics.requests.labels(self.intake.route, rejection.reason).inc()
        if _level.isEnabledFor(logging.DEBUG):  # strangers cause refusals: a call that logs nothing is 3 us, too
            _log.debug("refused", route=self.intake.route, reason=rejection.reason, project_id=request.project_id)
        if request.project_id:  # known once the key is: a stranger's request is no project's
            self._counts.add(request.project_id, self._signal, "refused", 1, self._clock() // 1000, rejection.reason)
        return self._answering(request).answer(rejection)


def outcome_of(parts: Sequence[Part], stamps: Sequence[Stamp] = (), rules: Rules = NO_RULES) -> Outcome:
    """What the success body is made from. `rules`: those that the stamps name. Without stamps it has no ids of
    events."""
    accepted = dropped = 0
    fingerprints: list[str] = []
    event_ids: list[str] = []
    reasons: Mapping[str, int] = {}
    named = ""
    for part in parts:
        if part.is_derived:
            continue
        named = named or part.named
        accepted += part.n + part.pings + len(part.repeated)
        dropped += len(part.dropped)
        reasons = part.reasons or reasons
        if part.prints_of:
            fingerprints += [
                fingerprint(FINGERPRINT_VERSION, each.message, each.stack, rules, each.release).hash
                for each in part.prints_of
            ]
    for part, stamp in zip(parts, stamps, strict=False):
        if (stamp.event_ids or part.repeated) and not part.is_derived:
            ids = list(stamp.event_ids)
            for place, event_id in part.repeated:
                ids.insert(place, event_id)
            event_ids += ids
    return Outcome(accepted, dropped, fingerprints, event_ids, parts[0].format.name if parts else "", reasons, named)


def headers_of(outcome: Outcome, parts: Sequence[Part]) -> Headers:
    """The headers that report on the records: `X-Event-Id`, `X-Dropped`."""
    headers: Headers = []
    if outcome.event_ids:
        headers.append((b"x-event-id", header_of(outcome.event_ids)))
    if outcome.dropped:
        told = [told for part in parts for told in part.told]
        headers.append((b"x-dropped", ", ".join(told[:TOLD]).encode()))
    return headers
