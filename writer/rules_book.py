"""The grouping rules that stamps name, loaded when a stamp names a revision that this process has not met
(delivery.md, "Rows follow their stamp")."""

from collections.abc import Sequence

import msgspec

from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.fingerprint.rules import NO_RULES, BadRules, Rules
from shared.grouping_rules import RevisionId, current_revision, find_rules
from writer.entry import Entry

MOST_KEPT = 20_000
"""Rules of all revisions that are kept, some ten megabytes. What made room is asked for again."""


class RulesUnavailable(Exception):
    """Some rules that stamps name can't be had now. The text says why, and what to do."""


class RulesBook:
    """The revisions that this process has met.

    1. Entries without rules cost one comparison each, and never ask Postgres.
    2. An entry gets the revision that its stamp names, or none at all: the caller waits, and tries again.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._kept: dict[RevisionId, Rules] = {}

    async def applied(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The entries, each with the rules that its stamp names. Raises `RulesUnavailable`."""
        wanted = {_revision(entry) for entry in entries if entry.lacks_rules}
        if not wanted:
            return entries
        rules = {each: self._kept[each] for each in wanted if each in self._kept}
        if missing := wanted - rules.keys():
            rules |= await self._load(sorted(missing))
        return [
            msgspec.structs.replace(entry, rules=rules[_revision(entry)]) if entry.lacks_rules else entry
            for entry in entries
        ]

    async def current(self, project_id: str) -> Rules:
        """The rules that a project has now. Raises `RulesUnavailable`."""
        try:
            revision = RevisionId(project_id, await current_revision(self._postgres, project_id))
        except PostgresUnavailable as error:
            raise RulesUnavailable(f"Postgres can't be asked for project {project_id}'s rules: {error}") from error
        return (await self._load([revision]))[revision] if revision.revision else NO_RULES

    async def close(self) -> None:
        await self._postgres.close()

    async def _load(self, missing: Sequence[RevisionId]) -> dict[RevisionId, Rules]:
        first = missing[0]
        named = f"revision {first.revision} of project {first.project_id}'s grouping rules"
        try:
            found = await find_rules(self._postgres, missing)
        except PostgresUnavailable as error:
            raise RulesUnavailable(f"Postgres can't be asked for {named}, which these errors need: {error}") from error
        except BadRules as error:
            raise RulesUnavailable(f"this writer can't read some rules, it may be too old: {error}") from error
        for each in missing:
            if each not in found:
                raise RulesUnavailable(_lost(each))
        self._keep(found)
        return found

    def _keep(self, found: dict[RevisionId, Rules]) -> None:
        self._kept |= found
        while sum(len(each.rules) for each in self._kept.values()) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]


def _lost(each: RevisionId) -> str:
    project, revision = each
    return (
        f"Postgres has no revision {revision} of project {project}'s grouping rules, which these errors need: restore"
        " its table grouping_rules from a backup, or put the rules back with"
        f" `sluice grouping rules set FILE --project {project} --revision {revision}`"
    )


def _revision(entry: Entry) -> RevisionId:
    assert entry.stamp is not None
    return RevisionId(entry.stamp.project_id, entry.stamp.rules_revision)
