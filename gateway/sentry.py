"""What Sentry's SDKs need beyond other ingest routes (sentry.md, "Routes")."""

from functools import partial

from gateway.carried import sentry_key_in_envelope, sentry_key_in_query
from gateway.http.answer import Answer
from gateway.http.request import Request
from gateway.idempotency import IMPLICIT, digest_of, key_from
from gateway.ingest import IngestDeps, IngestRoute
from gateway.rejections import EventReused, KeyReused
from gateway.validation.parts import Part
from shared.formats.intake import Intake
from shared.keys import ResolvedKey

QUIET_S = 3_600
_QUIET = (
    b"x-sentry-rate-limits",
    b"%d:session;attachment;profile;profile_chunk;replay;monitor;feedback;trace_metric;metric_bucket:key:not_stored"
    % QUIET_S,
)
"""Asks an SDK not to send for that long what is not stored. The other categories must never stand here."""


class SentryRoute(IngestRoute):
    """The ASGI application of an intake for Sentry's SDKs.

    1. The key may also stand in the query, or in the DSN of an envelope's header.
    2. An envelope whose event or transaction was published before is answered and not published again.
    3. Where items were dropped, the answer asks not to send more of that kind.
    """

    def __init__(self, intake: Intake, deps: IngestDeps) -> None:
        super().__init__(intake, deps)
        self._is_quiet = deps.sentry_quiet

    def token_of(self, request: Request) -> str | None:
        token = super().token_of(request)
        return sentry_key_in_query(request.query) if token is None else token

    async def _key_in(self, request: Request) -> str | None:
        return sentry_key_in_envelope(request.body)

    async def settle(self, request: Request, token: str | None, key: ResolvedKey, parts: list[Part]) -> Answer:
        publish, route = partial(self._publish, key, parts), self.intake.route
        if sent := key_from(request.headers.get(b"idempotency-key")):
            return await self._idempotency.once(key.project_id, route, sent, digest_of(request.body, token), publish)
        stored = [part for part in parts if part.n and not part.is_derived]
        named = next((part.named for part in stored if part.named), None)
        if named is None:
            return await publish()
        name = IMPLICIT + b"event:" + named.encode()
        # Of all that is stored, or something would be lost beside a repeated event; and of nothing else: an SDK that
        # sends again from its disk writes another header.
        digest = digest_of(
            b"".join(each for part in stored for each in part.digests or [digest_of(bytes(part.payload))])
        )
        try:
            return await self._idempotency.once(key.project_id, route, name, digest, publish)
        except KeyReused:
            raise EventReused from None

    async def _publish(self, key: ResolvedKey, parts: list[Part]) -> Answer:
        answer = await super()._publish(key, parts)
        for part in parts:
            self._count_reports(part)
        if self._is_quiet and any(reason.startswith("item_") for part in parts for _, reason in part.dropped):
            answer.headers = [*answer.headers, _QUIET]
        return answer

    def _count_reports(self, part: Part) -> None:
        """What an SDK says that it did not send."""
        for words, n in part.reasons.items():
            reason, category = words.split()
            self._metrics.sentry_discarded.labels(reason, category).inc(n)
