"""`/ingest/drain` and `/ingest/drain/{project_id}`: what Vercel's drains ask beyond other ingest routes (03, "Drain").

The handshake comes before everything; then the project of the path, the signature, and whether the body was here
before.
"""

import hashlib
from dataclasses import dataclass

from starlette.types import Receive, Scope

from gateway.auth import key_of
from gateway.handshake import VerifyCodes, is_handshake, peek
from gateway.ingest import Headers, IngestDeps, IngestRoute
from gateway.rejections import NotFound, TimedOut, Unauthenticated
from gateway.repeats import Repeats
from gateway.signature import verify
from gateway.validation import Validated
from shared.envelope import Stamp
from shared.formats.base import Format, Outcome
from shared.keys import ResolvedKey
from shared.signals.base import Signal

VERIFY = b"x-vercel-verify"
SIGNATURE = b"x-vercel-signature"


@dataclass(frozen=True)
class DrainDeps:
    """What drains need beside the rest. `verify` is answered where neither a project nor the request has a code."""

    repeats: Repeats
    codes: VerifyCodes
    verify: str = ""


class Repeated(Exception):
    """The same body, of `n` entries, was published before: it is answered, and that is all."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.n = n


class DrainRoute(IngestRoute):
    """The ASGI application of a drain's route, with and without a project in its path."""

    methods = ("GET", "POST")

    def __init__(self, fmt: Format, signal: Signal, deps: IngestDeps, drain: DrainDeps) -> None:
        super().__init__(fmt, signal, deps)
        self._repeats = drain.repeats
        self._codes = drain.codes
        self._fallback = drain.verify.encode()
        self._repeated = deps.metrics.requests.labels(fmt.route, "repeated")
        self._handshakes = deps.metrics.requests.labels(fmt.route, "handshake")

    async def accept(self, scope: Scope, receive: Receive, headers: Headers) -> tuple[int, bytes]:
        if scope["method"] != "POST":
            return await self._handshake(scope, headers)
        try:
            beginning, receive = await self._deadlines.wait_for(peek(receive))
        except TimeoutError:
            raise TimedOut from None
        if is_handshake(beginning):
            return await self._handshake(scope, headers)
        try:
            return await super().accept(scope, receive, headers)
        except Repeated as repeated:
            self._repeated.inc()
            return self._format.reply(Outcome(repeated.n))

    def _verify(self, scope: Scope, key: ResolvedKey, body: bytes) -> None:
        if _project_in(scope) not in (None, key.project_id):
            raise NotFound
        verify(key, _header(scope, SIGNATURE), body)

    async def _publish(self, key: ResolvedKey, body: bytes, stamp: Stamp, validated: Validated) -> None:
        name = f"sluice:drain:{key.project_id}:{hashlib.sha256(body).hexdigest()}"
        async with self._repeats.once(name) as is_new:
            if not is_new:
                raise Repeated(validated.n)
            await super()._publish(key, body, stamp, validated)

    async def _handshake(self, scope: Scope, headers: Headers) -> tuple[int, bytes]:
        self._handshakes.inc()
        code = await self._code(scope) or _header(scope, VERIFY) or self._fallback
        if code:
            headers.append((VERIFY, code))
        return self._format.reply(Outcome(0))

    async def _code(self, scope: Scope) -> bytes:
        """The code of the project that a key or the path names; b'' where neither does. Raises `Unavailable`."""
        project_id = _project_in(scope)
        if (token := key_of(scope["headers"])) is not None:
            try:
                return ((await self._keys.resolve(token)).drain_verify or "").encode()
            except Unauthenticated:
                pass
        code = None if project_id is None else await self._codes.of(project_id)
        return (code or "").encode()


def _project_in(scope: Scope) -> str | None:
    project_id: str | None = scope.get("path_params", {}).get("project_id")
    return project_id


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)
