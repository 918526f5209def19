"""What a gateway knows of merged groups, and for how long."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from gateway.query import groups
from gateway.query.groups import Groups
from gateway.rejections import Unavailable
from shared.clients.postgres import Postgres, PostgresUnavailable


class Stored:
    """Stands for Postgres: project -> its merges."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, str]] = {"p": {"b": "a"}}
        self.away = False
        self.asked = 0
        self.is_asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()

    async def query(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        self.asked += 1
        self.is_asked.set()
        if self.away:
            raise PostgresUnavailable("away")
        rows = [(of, *pair) for of in parameters[0] for pair in self.made.get(of, {}).items()]
        await self.answers.wait()
        return rows

    @property
    def groups(self) -> Groups:
        return Groups(cast(Postgres, self))


async def test_a_project_is_asked_for_once_until_its_groups_change() -> None:
    stored = Stored()
    known = stored.groups
    assert {(await known.of("p")).head_of("b") for _ in range(3)} == {"a"}
    assert stored.asked == 1
    stored.made["p"] = {"b": "c"}
    known.forget("q")
    assert (await known.of("p")).head_of("b") == "a"
    known.forget("p")
    assert (await known.of("p")).head_of("b") == "c"
    stored.made["p"] = {}
    known.doubt()
    assert (await known.of("p")).head_of("b") == "b"


async def test_a_change_is_obeyed_by_a_look_up_that_was_under_way() -> None:
    stored = Stored()
    known = stored.groups
    stored.answers.clear()
    asking = asyncio.create_task(known.of("p"))
    await stored.is_asked.wait()
    stored.made["p"] = {}
    known.forget("p")
    stored.answers.set()
    assert (await asking).head_of("b") == "b"
    assert (await known.of("p")).head_of("b") == "b"


async def test_without_messages_a_change_is_noticed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "FRESH_S", 0.0)
    stored = Stored()
    known = stored.groups
    await known.of("p")
    stored.made["p"] = {}
    assert (await known.of("p")).head_of("b") == "b"


async def test_with_postgres_away_what_is_known_goes_on() -> None:
    stored = Stored()
    known = stored.groups
    await known.of("p")
    stored.away = True
    known.forget("p")
    assert (await known.of("p")).head_of("b") == "a"
    with pytest.raises(Unavailable):
        await known.of("q")


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_KEPT", 4)
    stored = Stored()
    known = stored.groups
    for project in ("p", "q", "r", "s"):  # 2 and 1 and 1; the last one makes room
        await known.of(project)
    await known.of("s")
    assert stored.asked == 4
    await known.of("p")
    assert stored.asked == 5


async def test_a_project_without_merges_has_plain_sql() -> None:
    grouping = await Stored().groups.of("q")
    assert grouping.key == ("fingerprint", {})
    assert grouping.only("x") == ("fingerprint IN %(group_members)s", {"group_members": ("x",)})
