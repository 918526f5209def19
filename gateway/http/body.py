"""How much of a body is accepted, and how long the gateway waits for it (contracts.md, "Bodies")."""

from dataclasses import dataclass

from gateway.http.deadlines import Deadlines
from gateway.http.unpack import Unpacker


@dataclass
class Bodies:
    """What the bodies of one process have in common.

    1. A body that is too large is refused before it is in memory: by its header, while it is read, or while it is
       unpacked.
    2. All bodies together take `max_held` bytes, as they came and unpacked; beyond that a request is 503 at once.
    3. `give_up` ends every wait for the rest of a body: at shutdown a half-sent request gets 503, never a 2xx.
    """

    max_bytes: int
    """Of a body on the wire."""
    max_held: int
    """Of all bodies that are in memory."""
    unpacker: Unpacker
    deadlines: Deadlines
    held: int = 0

    def give_up(self) -> None:
        """Refuse every request whose body is not complete now."""
        self.deadlines.give_up()

    async def close(self) -> None:
        await self.deadlines.close()
        await self.unpacker.close()
