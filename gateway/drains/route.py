"""`/ingest/drain` and `/ingest/drain/{project_id}`: what Vercel needs beyond other ingest routes
(contracts.md, "Drain")."""

from dataclasses import dataclass

from gateway.drains.handshake import LARGEST, VerifyCodes, is_handshake
from gateway.drains.signature import verify
from gateway.http.answer import Answer
from gateway.http.request import Request
from gateway.ingest import IngestDeps, IngestRoute
from gateway.rejections import Unauthenticated
from gateway.validation.parts import Part
from shared.formats.intake import Intake, Outcome
from shared.keys import ResolvedKey

VERIFY = b"x-vercel-verify"
SIGNATURE = b"x-vercel-signature"


@dataclass(frozen=True)
class DrainDeps:
    """What drains need besides `IngestDeps`. `verify` is the code if neither a project nor the request has one."""

    codes: VerifyCodes
    verify: str = ""


class DrainRoute(IngestRoute):
    """The ASGI application of a drain's intake.

    1. The handshake comes before everything, and needs no key.
    2. A project in the path must be the key's own. If the project has a secret, it must have signed the body.
    3. Records count towards the key's minute, where they are published.
    """

    def __init__(self, intake: Intake, deps: IngestDeps, drain: DrainDeps) -> None:
        super().__init__(intake, deps)
        self._codes = drain.codes
        self._records = deps.limits.drain_records
        self._fallback = drain.verify.encode()
        self._handshakes = deps.metrics.requests.labels(intake.route, "handshake")

    async def accept(self, request: Request) -> Answer:
        if await _asks_for_the_handshake(request):
            return await self._handshake(request)
        return await super().accept(request)

    def vouch(self, request: Request, key: ResolvedKey) -> None:
        super().vouch(request, key)
        verify(key, request.headers.get(SIGNATURE), request.wire, request.body)

    async def _publish(self, key: ResolvedKey, parts: list[Part]) -> Answer:
        await self._records.admit(key, sum(part.n for part in parts if not part.is_derived))
        return await super()._publish(key, parts)

    async def _handshake(self, request: Request) -> Answer:
        self._handshakes.inc()
        code = await self._code(request) or request.headers.get(VERIFY) or self._fallback
        status, body = self.intake.reply(Outcome(0))
        return Answer(status, body, [(VERIFY, code)] if code else [])

    async def _code(self, request: Request) -> bytes:
        """The code of the project that a key or the path names; b'' if neither does. Raises `Unavailable`."""
        if (token := self.api.key_of(request.headers)) is not None:
            try:
                return ((await self._keys.resolve(token)).drain_verify or "").encode()
            except Unauthenticated:
                pass
        project_id = request.path_parameters.get("project_id")
        code = None if project_id is None else await self._codes.of(project_id)
        return (code or "").encode()


async def _asks_for_the_handshake(request: Request) -> bool:
    if request.method != "POST":
        return True
    await request.read()
    if len(request.wire) > LARGEST:
        return False
    if request.wire:  # an empty body asks for it, whatever its Content-Encoding
        await request.unpack()
    return is_handshake(request.body)
