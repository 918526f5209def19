"""What is set of a project: its keys, members, rules and source maps, and what goes where nothing is set."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from gateway.query.postgres import known
from gateway.query.turns import in_turn, turns
from gateway.turns import Turns
from shared.clients.postgres import Postgres
from shared.project_drain import ProjectDrain
from shared.project_keys import ProjectKeys
from shared.settings import Gateway
from shared.sourcemaps.index import Index

WHAT = "settings"

T = TypeVar("T")


class UsualLimits(NamedTuple):
    """Of keys without a limit of their own: requests a minute, and records a minute of drains; of projects: records a
    second above which they take the overflow topics. 0: none."""

    ingest: int
    read: int
    drain_records: int
    lane_records_s: int

    @classmethod
    def of(cls, mine: Gateway) -> "UsualLimits":
        return cls(mine.ingest_limit, mine.read_limit, mine.drain_record_limit, mine.lane_records_s)


@dataclass(frozen=True)
class SettingsDeps:
    """`turns`: whose change is next."""

    keys: ProjectKeys
    drain: ProjectDrain
    postgres: Postgres
    sourcemaps: Index
    usual: UsualLimits
    turns: Turns = field(default_factory=turns)

    async def change(self, project_id: str, change: Callable[[], Awaitable[T]]) -> T:
        """Make a change when it is the project's turn. Raises `Unavailable`, and what the change raises."""
        return await in_turn(self.turns, project_id, lambda: known(change(), WHAT))
