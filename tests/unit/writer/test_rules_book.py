"""The grouping rules of a batch: loaded once, never guessed."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.envelope import WITH_RULES, Stamp
from shared.queue.base import Message
from writer import rules_book
from writer.entry import Entry
from writer.rules_book import RulesBook, RulesUnavailable

TEXT = '{"rules":[{"name":"a","type":"*","group":"g"}]}'


class Stored:
    """Stands for Postgres: revision -> the text of its rules, for every project."""

    def __init__(self, **revisions: str) -> None:
        self.revisions = {int(name[1:]): text for name, text in revisions.items()}
        self.away = False
        self.asked: list[list[int]] = []

    async def query(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        projects, revisions = parameters
        self.asked.append(revisions)
        if self.away:
            raise PostgresUnavailable("no answer within 2.0 s")
        pairs = zip(projects, revisions, strict=True)
        return [(of, each, self.revisions[each]) for of, each in pairs if each in self.revisions]

    @property
    def book(self) -> RulesBook:
        return RulesBook(cast(Postgres, self))


def entry(revision: int, project: str = "p") -> Entry:
    stamp = Stamp(
        v=WITH_RULES, format="f", project_id=project, received_at=1, retention_days=30, n=1, rules_revision=revision
    )
    return Entry(Message(0, 0, None, b""), stamp)


async def test_entries_without_rules_ask_nobody() -> None:
    stored = Stored()
    entries = [entry(0), Entry(Message(1, 0, None, b""), problem="no envelope")]
    assert await stored.book.applied(entries) is entries
    assert stored.asked == []


async def test_each_entry_gets_its_own_revision_and_each_is_asked_for_once() -> None:
    stored = Stored(_3=TEXT, _4=TEXT)
    book = stored.book
    for _ in range(2):
        made = await book.applied([entry(3), entry(0), entry(4), entry(3), entry(3, "q")])
        assert [each.rules.revision for each in made] == [3, 0, 4, 3, 3]
        assert not any(each.lacks_rules for each in made)
    assert stored.asked == [[3, 4, 3]]
    assert made[0].rules is made[3].rules


async def test_with_postgres_away_only_what_is_not_known_waits() -> None:
    stored = Stored(_3=TEXT, _4=TEXT)
    book = stored.book
    await book.applied([entry(3)])
    stored.away = True
    assert (await book.applied([entry(3)]))[0].rules.revision == 3
    with pytest.raises(RulesUnavailable, match=r"revision 4 of project p's grouping rules.*no answer within"):
        await book.applied([entry(3), entry(4)])
    stored.away = False
    assert (await book.applied([entry(4)]))[0].rules.revision == 4


async def test_a_lost_revision_says_what_to_do() -> None:
    with pytest.raises(RulesUnavailable, match=r"no revision 5.*rules set FILE --project p --revision 5"):
        await Stored().book.applied([entry(5)])


async def test_rules_of_a_newer_sluice_wait_for_a_newer_writer() -> None:
    with pytest.raises(RulesUnavailable, match=r"may be too old.*unknown field `severity`"):
        await Stored(_3=TEXT.replace('"type"', '"severity"')).book.applied([entry(3)])


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_book, "MOST_KEPT", 2)
    stored = Stored(_1=TEXT, _2=TEXT, _3=TEXT)
    book = stored.book
    made = await book.applied([entry(1), entry(2), entry(3)])
    assert [each.rules.revision for each in made] == [1, 2, 3]
    await book.applied([entry(1)])
    assert stored.asked == [[1, 2, 3], [1]]
