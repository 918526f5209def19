"""A row of Postgres that doesn't convert is no key, not an error for as long as it stands there."""

from typing import Any

import pytest

from gateway.assembly import lookup_in
from gateway.auth import KeyCache
from gateway.rejections import Unauthenticated
from shared.metrics import Metrics

GOOD = ("key_1", "p", ["ingest"], [], None, None, None, 30, None, None, None, False, None)
NO_RULES = (0, None)


class Database:
    """Answers every lookup with the same row."""

    def __init__(self, **odd: Any) -> None:
        names = (
            "key_id",
            "project_id",
            "scopes",
            "origins",
            "ingest",
            "read",
            "drain",
            "days",
            "secret",
            "verify",
            "ends",
            "public",
            "share",
        )
        self.row = tuple(odd.get(name, value) for name, value in zip(names, GOOD, strict=True))

    async def query(self, statement: str, parameters: list[list[str]]) -> list[tuple[Any, ...]]:
        return [(digest, *self.row, *NO_RULES) for digest in parameters[0]]


def keys(database: Database, metrics: Metrics) -> KeyCache:
    return KeyCache(lookup_in(database, metrics), fresh_s=30, stale_s=60)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "odd", [{"origins": [None]}, {"origins": None}, {"scopes": [1]}, {"days": "30"}, {"ingest": 1.5}, {"ends": "never"}]
)
async def test_a_row_that_does_not_convert_is_an_unknown_key_and_counted(odd: dict[str, Any]) -> None:
    metrics = Metrics()
    cache = keys(Database(**odd), metrics)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await cache.resolve("dt_odd")
    assert metrics.registry.get_sample_value("sluice_unreadable_total", {"what": "key"}) == 1, "asked for once"


async def test_a_row_that_converts_is_a_key() -> None:
    assert (await keys(Database(), Metrics()).resolve("dt_good")).project_id == "p"
