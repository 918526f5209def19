"""`/ingest/drain` and `/ingest/drain/{project_id}`: what Vercel asks beyond other ingest routes (03, "Drain")."""

from dataclasses import dataclass

from starlette.types import Receive, Scope

from gateway.auth import key_of
from gateway.drains.handshake import LARGEST, VerifyCodes, is_handshake
from gateway.drains.signature import verify
from gateway.idempotency import digest_of
from gateway.ingest import Given, Headers, IngestDeps, IngestRoute
from gateway.openapi import Operations
from gateway.openapi.ingest import draining
from gateway.rejections import NotFound, Unauthenticated
from gateway.validation.validator import Validated
from shared.formats.base import Format, Outcome
from shared.signals.base import Signal

VERIFY = b"x-vercel-verify"
SIGNATURE = b"x-vercel-signature"


@dataclass(frozen=True)
class DrainDeps:
    """What drains need beside the rest. `verify` is answered where neither a project nor the request has a code."""

    codes: VerifyCodes
    verify: str = ""


class DrainRoute(IngestRoute):
    """The ASGI application of a drain's route, with and without a project in its path.

    1. The handshake comes before everything, and needs no key.
    2. A project in the path is the key's own. The project's secret, where it has one, has signed the body.
    3. A body that was stored within the last ten minutes is answered, and not stored again.
    """

    def __init__(self, fmt: Format, signal: Signal, deps: IngestDeps, drain: DrainDeps) -> None:
        super().__init__(fmt, signal, deps)
        self._codes = drain.codes
        self._fallback = drain.verify.encode()
        self._handshakes = deps.metrics.requests.labels(fmt.route, "handshake")

    @property
    def operations(self) -> Operations:
        return draining(self.format, of_project=False)

    async def accept(self, scope: Scope, given: Given, receive: Receive, headers: Headers) -> tuple[int, bytes]:
        """Read, answer the handshake; or authenticate, admit, unpack, verify, validate, store once."""
        project_id: str | None = scope.get("path_params", {}).get("project_id")
        if scope["method"] != "POST":
            return await self._handshake(project_id, given, headers)
        wire = await self._bodies.read_wire(given, receive)
        if len(wire) <= LARGEST and is_handshake(wire and await self._bodies.unpacked(given, wire)):
            return await self._handshake(project_id, given, headers)
        token = key_of(given.items())
        key = None if token is None else await self._admit(token, given, headers)
        body = await self._bodies.unpacked(given, wire)
        if key is None:
            key = await self._admit(self._validator.key_in(body), given, headers)
        if project_id not in (None, key.project_id):
            raise NotFound
        verify(key, given.get(SIGNATURE), wire, body)
        return await self._take(key, given, body, headers)

    def _name(self, body: bytes, validated: Validated) -> bytes | None:
        return b"body:" + digest_of(body) if validated.n else None

    async def _handshake(self, project_id: str | None, given: Given, headers: Headers) -> tuple[int, bytes]:
        self._handshakes.inc()
        code = await self._code(project_id, given) or given.get(VERIFY) or self._fallback
        if code:
            headers.append((VERIFY, code))
        return self.format.reply(Outcome(0))

    async def _code(self, project_id: str | None, given: Given) -> bytes:
        """The code of the project that a key or the path names; b'' where neither does. Raises `Unavailable`."""
        if (token := key_of(given.items())) is not None:
            try:
                return ((await self._keys.resolve(token)).drain_verify or "").encode()
            except Unauthenticated:
                pass
        code = None if project_id is None else await self._codes.of(project_id)
        return (code or "").encode()
