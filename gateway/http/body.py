"""How much of a body is accepted, and how long the gateway waits for it (contracts.md, "Bodies")."""

from dataclasses import dataclass, field
from typing import Protocol

from gateway.http.deadlines import Deadlines, Waiter
from gateway.http.unpack import Unpacker
from gateway.rejections import Unavailable


class Holder(Protocol):
    """A request, as far as its bytes in memory go."""

    held: int


SMALL_BYTES = 256_000
"""A quarter of the memory for bodies is for those up to this size alone."""

_ROOM = 8
"""This part of it is made free at a time: to look for the largest takes a millisecond where there are thousands."""


@dataclass
class Bodies:
    """What the bodies of one process have in common.

    1. A body that is too large is refused before it is in memory: by its header, while it is read, or while it is
       unpacked.
    2. All bodies together take `max_held` bytes, as they came and unpacked, the large ones three quarters of that. When
       it is used up, those that are not complete give way with 503, the largest first: a body that never comes whole
       keeps no other one out.
    3. `give_up` ends every wait for the rest of a body: at shutdown a half-sent request gets 503, never a 2xx.
    """

    max_bytes: int
    """Of a body on the wire."""
    max_held: int
    """Of all bodies that are in memory."""
    unpacker: Unpacker
    deadlines: Deadlines
    held: int = 0
    half: dict[Waiter, Holder] = field(default_factory=dict)
    """Those that wait for the rest of their body."""

    def hold(self, holder: Holder, n: int) -> None:
        """Count bytes that a request keeps in memory. Raises `Unavailable` where there is no room for them."""
        holder.held += n
        self.held += n
        most = self.max_held if holder.held <= SMALL_BYTES else self.max_held - self.max_held // 4
        if self.held > most:
            self._make_room(holder, most)

    def let_go(self, holder: Holder) -> None:
        """The bytes of a request are no longer kept."""
        self.held -= holder.held
        holder.held = 0

    def _make_room(self, newest: Holder, most: int) -> None:
        """Refuse half bodies, the largest first, for a small one's sake any and for a large one's sake larger ones."""
        enough = most - most // _ROOM
        least = newest.held if newest.held > SMALL_BYTES else 0
        for waiter, holder in sorted(self.half.items(), key=lambda each: each[1].held, reverse=True):
            if holder is newest or holder.held <= least or self.held <= enough:
                break
            self.let_go(holder)
            self.deadlines.end_early(waiter)
        if self.held > most:
            raise Unavailable

    def give_up(self) -> None:
        """Refuse every request whose body is not complete now."""
        self.deadlines.give_up()

    async def close(self) -> None:
        await self.deadlines.close()
        await self.unpacker.close()
