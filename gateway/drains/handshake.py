"""Vercel asks whether an endpoint is ours: the answer carries `x-vercel-verify` (contracts.md, "Drain")."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic

from gateway.lookups import Lookups
from gateway.rejections import Unavailable
from shared.clients.postgres import PostgresUnavailable

CodesOf = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]
"""Ids of projects -> the codes that verify their drains, of those that have one. Raises `PostgresUnavailable`."""

FRESH_S = 30.0
REMEMBERED = 10_000

LONGEST_ID = 128
"""Characters of a project's id; what is longer names none, and is neither asked for nor kept."""

LARGEST = 64
"""Most bytes of a body that may still be an empty object, with white space or packed."""


class VerifyCodes:
    """The codes of projects that are named in a path.

    Anybody can ask for them without a key, so those that are asked for at the same time are one question to Postgres,
    and none is asked for twice within `FRESH_S`.
    """

    def __init__(self, codes_of: CodesOf) -> None:
        self._lookups = Lookups(codes_of)
        self._known: dict[str, tuple[str | None, float]] = {}

    async def of(self, project_id: str) -> str | None:
        """The code. Raises `Unavailable`."""
        if len(project_id) > LONGEST_ID:
            return None
        code, asked_at = self._known.get(project_id, (None, float("-inf")))
        if monotonic() - asked_at < FRESH_S:
            return code
        try:
            code = await self._lookups.find(project_id)
        except PostgresUnavailable as error:
            raise Unavailable from error
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[project_id] = code, monotonic()
        return code


def is_handshake(body: bytes) -> bool:
    """Whether the unpacked body of a POST asks for the handshake: nothing and `{}` do, `[]` does not."""
    return len(body) <= LARGEST and b"".join(body.split()) in (b"", b"{}")
