"""How often somebody may try to log in: ten times a minute by address, and by name (pages.md, "Who may")."""

from collections import Counter
from ipaddress import IPv6Address, ip_address
from time import monotonic

from gateway.rejections import RateLimited, Unavailable
from shared.clients.redis import Redis, RedisUnavailable, Script
from shared.keys import hash_key

MOST = 10
WINDOW_S = 60

_MOST_KEPT = 10_000
"""Names counted in this process while Redis is away; beyond them nobody may try."""

_COUNT = Script(f"""
local most = 0
local wait = 0
for n, key in ipairs(KEYS) do
    local used = redis.call('INCR', key)
    if used == 1 then redis.call('EXPIRE', key, {WINDOW_S}) end
    if used > most then most = used; wait = redis.call('TTL', key) end
end
return {{most, wait}}
""")


class Attempts:
    """Counts in Redis, for all processes; while it is away, in this one."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._own: Counter[str] = Counter()
        self._own_ends = 0.0

    async def begin(self, address: str) -> None:
        """Count a trip to a provider: as many may begin as may end (`admit`). Raises `RateLimited`."""
        await self._count([f"sluice:login:{hash_key('trip ' + place_of(address))}"])

    async def admit(self, address: str, name: str = "") -> None:
        """Count a try, or raise `RateLimited`. `name`: whom it is about, if that is said."""
        whose = [f"sluice:login:{hash_key(place_of(address))}"]
        if name:
            whose.append(f"sluice:login:{hash_key('name ' + name.lower())}")
        await self._count(whose)

    async def _count(self, whose: list[str]) -> None:
        try:
            used, wait = await self._redis.run(_COUNT, [*whose], [])
        except RedisUnavailable:
            used, wait = self._count_here(whose)
        if used > MOST:
            raise RateLimited(wait)

    def _count_here(self, whose: list[str]) -> tuple[int, int]:
        now = monotonic()
        if now > self._own_ends:
            self._own.clear()
            self._own_ends = now + WINDOW_S
        if len(self._own) > _MOST_KEPT:
            raise Unavailable("too many tries to log in while Redis is away")
        self._own.update(whose)
        return max(self._own[each] for each in whose), int(self._own_ends - now) + 1


def place_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, as one machine has all of that."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return parsed.exploded[:19]
