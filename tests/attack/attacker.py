"""The attackers, in a process of their own: `python -m tests.attack.attacker PORT SECONDS A_SECOND SEED`.

Says "ready" when its attacks are made, and begins when it is told so; then says as JSON what was answered.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable

from tests.attack.kinds import KINDS, Kind
from tests.attack.raw import Attack, send

AT_ONCE = 24
"""Attacks under way at the same time."""

OF_EACH_KIND = 4


def main() -> None:
    port, seconds, a_second, seed = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    rng = random.Random(seed)
    drawn = [(kind, rng.randrange(10**9)) for _ in range(OF_EACH_KIND) for kind in KINDS]
    attacks = [_again(kind, own) for kind, own in drawn]
    print("ready", flush=True)  # noqa: T201 - what its caller waits for
    sys.stdin.readline()
    print(json.dumps(asyncio.run(attack(port, seconds, a_second, attacks, rng))), flush=True)  # noqa: T201


def _again(kind: Kind, seed: int) -> Callable[[], Attack]:
    """The same attack, as often as it is wanted: its bytes are made once where they have an end."""
    made = kind(random.Random(seed))
    if isinstance(made.pieces, list):
        return lambda: made
    return lambda: kind(random.Random(seed))


async def attack(
    port: int, seconds: float, a_second: float, attacks: list[Callable[[], Attack]], rng: random.Random
) -> dict[str, dict[str, int]]:
    """Kind -> how often, and status -> how often it was answered; 2xx of what is no request as `success`."""
    told: dict[str, Counter[str]] = {}
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(made: Attack) -> None:
        async with turns:
            counts = told.setdefault(made.kind, Counter())
            counts["sent"] += 1
            for status in await send(port, made):
                counts[str(status)] += 1
                counts["success"] += status < 300 and not made.may_succeed

    begun, n = time.monotonic(), 0
    async with asyncio.timeout(seconds + 60):
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < begun + seconds:
                group.create_task(one(rng.choice(attacks)()))
                n += 1
                await asyncio.sleep(max(0.0, begun + n / a_second - time.monotonic()))
                await turns.acquire()  # no more are begun than can be sent
                turns.release()
    return {kind: dict(counts) for kind, counts in told.items()}


if __name__ == "__main__":
    main()
