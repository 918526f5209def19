"""What a project may send, where Postgres and Redis are lists (reading.md, "Usage")."""

from typing import Any, cast

import pytest

from gateway.query.counting import Counting
from gateway.query.settings import UsualLimits
from gateway.query.usage.limits import find_limits
from shared.clients.redis import RedisUnavailable


class Neighbours:
    """A project with these limits, and keys with theirs."""

    def __init__(self, rate: int | None, drain: int | None, keys: dict[str, int | None], away: bool = False) -> None:
        self._project = ("p", "P", 7, rate, None, None, drain, None)
        self._keys = keys
        self._away = away

    async def query(self, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        return [self._project] if "FROM projects" in statement else list(self._keys.items())

    async def run(self, script: Any, keys: list[str], arguments: list[Any]) -> list[int]:
        if self._away:
            raise RedisUnavailable("for this test")
        return [len(key) for key in keys]

    @property
    def counting(self) -> Counting:
        mine = cast(Any, self)
        return Counting(mine, mine, UsualLimits(5000, 600, 1_000_000, 20_000), {})


@pytest.mark.parametrize(
    ("rate", "drain", "own", "expected"),
    [
        (None, None, None, (5000, 0)),
        (300, None, None, (300, 300)),
        (300, 40, 20, (20, 40)),
        (0, None, None, (0, 0)),
        (300, 0, 0, (0, 0)),
    ],
)
async def test_a_key_has_its_own_limit_or_its_projects_or_the_usual_one(
    rate: int | None, drain: int | None, own: int | None, expected: tuple[int, int]
) -> None:
    found = await find_limits(Neighbours(rate, drain, {"k": own}).counting, "p")
    assert (found.keys[0].requests_a_minute, found.drain_requests_a_minute) == expected
    assert (found.retention_days, found.drain_records_a_minute) == (7, 1_000_000)
    assert (found.keys[0].this_minute is None) == (expected[0] == 0), "what has no limit is not counted"


async def test_without_redis_limits_are_told_and_nothing_that_was_used() -> None:
    found = await find_limits(Neighbours(None, None, {"a": 3, "b": None}, away=True).counting, "p")
    assert [(key.key_id, key.requests_a_minute, key.this_minute) for key in found.keys] == [
        ("a", 3, None),
        ("b", 5000, None),
    ]
