"""How reading queries group errors: by fingerprint, as the project's people have merged groups
(grouping.md, "Merging and splitting").

The one place below `gateway/query` that names the column: no query can forget the merges.
"""

from time import monotonic
from typing import Any, Final, NamedTuple

from gateway.lookups import Lookups
from gateway.rejections import Unavailable
from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.group_merges import Merges, find_merges

COLUMN: Final = "fingerprint"
"""As a row has it, for the answer that shows one error; its group is `Grouping.head_of` of it."""

FRESH_S: Final = 30.0
"""How long merges are used without asking, where Redis doesn't tell of a change."""

MOST_KEPT: Final = 100_000
"""Merges of all projects that are kept, and the projects without one."""


class Sql(NamedTuple):
    """A part of a statement, and the values of its `%(name)s` placeholders."""

    text: str
    values: dict[str, Any]


class Grouping:
    """The groups of one project as a query needs them."""

    def __init__(self, merges: Merges) -> None:
        self.head_of = merges.head_of
        self.members = merges.members
        self._heads = merges.heads

    @property
    def key(self) -> Sql:
        """The group of a row, to select and to group by: the fingerprint that its group goes by."""
        if not self._heads:
            return Sql(COLUMN, {})
        values = {"merged": list(self._heads), "merged_into": list(self._heads.values())}
        return Sql(f"transform({COLUMN}, %(merged)s, %(merged_into)s, {COLUMN})", values)

    def merged_heads(self, beginning: str) -> set[str]:
        """The groups that others were merged into and whose fingerprint begins so."""
        return {head for head in self._heads.values() if head.startswith(beginning)}

    def only(self, *fingerprints: str, name: str = "group_members") -> Sql:
        """The condition for the rows of the groups that these fingerprints are in. `name`: of its value, where a
        statement has several."""
        members = dict.fromkeys(each for fingerprint in fingerprints for each in self.members(fingerprint))
        return Sql(f"{COLUMN} IN %({name})s", {name: tuple(members)})


class _Known(NamedTuple):
    grouping: Grouping
    size: int
    fresh_until: float
    """Monotonic clock, seconds."""


class Groups:
    """The groupings of all projects that this process was asked about.

    1. A change is obeyed once `forget` was called, also by a look-up that was under way; else after `FRESH_S`.
    2. While Postgres is away, what is known goes on; what is not is `Unavailable`.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._lookups = Lookups(lambda projects: find_merges(postgres, projects))
        self._known: dict[str, _Known] = {}
        self._changes = 0

    async def of(self, project_id: str) -> Grouping:
        """Raises `Unavailable`."""
        known = self._known.get(project_id)
        if known and monotonic() < known.fresh_until:
            return known.grouping
        while True:
            changes = self._changes
            try:
                merges = await self._lookups.find(project_id) or Merges({})
            except PostgresUnavailable as error:
                if known:
                    return known.grouping
                raise Unavailable("Postgres can't be asked for merged groups") from error
            if changes == self._changes:
                return self._keep(project_id, merges)

    def forget(self, project_id: str) -> None:
        """Ask for a project's merges again: they were changed."""
        self._changes += 1
        if known := self._known.get(project_id):
            self._known[project_id] = known._replace(fresh_until=0.0)

    def doubt(self) -> None:
        """Ask for all again: a change may have been missed."""
        self._changes += 1
        self._known = {project_id: known._replace(fresh_until=0.0) for project_id, known in self._known.items()}

    def _keep(self, project_id: str, merges: Merges) -> Grouping:
        size = 1 + len(merges)
        if size + sum(known.size for known in self._known.values()) > MOST_KEPT:
            self._known.clear()
        self._known[project_id] = _Known(Grouping(merges), size, monotonic() + FRESH_S)
        return self._known[project_id].grouping
