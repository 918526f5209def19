"""What is set of a project: its keys, members, rules and source maps, and what goes where nothing is set."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from gateway.rejections import Rejection, Unavailable
from gateway.turns import Turns
from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.project_keys import ProjectKeys
from shared.sourcemaps.index import Index
from shared.users import Role

AT_ONCE, WAITING = 4, 32
"""Changes at the same time, of one project one; those that wait for them. Any more get 503."""

T = TypeVar("T")


class UsualLimits(NamedTuple):
    """Of keys without a limit of their own: requests a minute, and records a minute of drains; 0: none."""

    ingest: int
    read: int
    drain_records: int


@dataclass(frozen=True)
class SettingsDeps:
    """`turns`: whose change is next; each takes a connection of its own."""

    keys: ProjectKeys
    postgres: Postgres
    sourcemaps: Index
    usual: UsualLimits
    turns: Turns = field(default_factory=lambda: Turns(AT_ONCE, WAITING, each=1))

    async def change(self, project_id: str, work: Awaitable[T]) -> T:
        """Make a change when it is the project's turn. Raises `Unavailable`, and what the work raises."""
        await self.turns.take(project_id)
        try:
            return await asked(work)
        finally:
            self.turns.give_back(project_id)


class LacksRole(Rejection):
    """The visitor may look, and not change this."""

    status = 403
    reason = "role"

    def __init__(self, role: Role) -> None:
        super().__init__(role)
        self.sentence = f"Who changes this has to be {'an owner' if role == 'owner' else f'a {role}'} of the project"


async def asked(work: Awaitable[T]) -> T:
    """Raises `Unavailable` while Postgres is away."""
    try:
        return await work
    except PostgresUnavailable as error:
        raise Unavailable("Postgres can't be asked for settings") from error
