"""How a rewrite groups errors: as the client was told, or with another version, or by the rules of now."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from shared.fingerprint.rules import Rules
from writer.entry import Entry
from writer.rules_book import RulesBook


@dataclass(frozen=True)
class Grouping:
    """`fingerprint_version`: instead of the stamp's (grouping.md, "How to add a version"). `rules`: those that the
    stamp names, or those that its project has now."""

    fingerprint_version: int | None = None
    rules: Literal["stamped", "current"] = "stamped"


class Regrouping:
    """Gives entries the grouping that a run wants. A project's rules are asked for once in a run: all of its errors are
    grouped alike."""

    def __init__(self, wanted: Grouping, book: RulesBook) -> None:
        self._wanted = wanted
        self._book = book
        self._current: dict[str, Rules] = {}

    async def applied(self, entry: Entry) -> Entry:
        """The entry, as if its stamp named the wanted grouping. Raises `RulesUnavailable`."""
        stamp = entry.stamp
        if stamp is None or not stamp.fingerprint_version:
            return entry
        if version := self._wanted.fingerprint_version:
            stamp = msgspec.structs.replace(stamp, fingerprint_version=version)
        if self._wanted.rules == "stamped":
            return msgspec.structs.replace(entry, stamp=stamp)
        rules = await self._now(stamp.project_id)
        stamp = msgspec.structs.replace(stamp, rules_revision=rules.revision)
        return msgspec.structs.replace(entry, stamp=stamp, rules=rules)

    async def _now(self, project_id: str) -> Rules:
        if project_id not in self._current:
            self._current[project_id] = await self._book.current(project_id)
        return self._current[project_id]
