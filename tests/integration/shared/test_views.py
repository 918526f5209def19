"""Saved views in real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from shared.audit import Actor
from shared.clients.postgres import Postgres, connect
from shared.projects import Project, create_project
from shared.views import MOST_VIEWS, NameTaken, Shown, TooManyViews, Views

BY = Actor(kind="key", id="key_1", address="192.0.2.7")


@pytest.fixture
async def views(migrated_postgres: str) -> AsyncIterator[Views]:
    with connect(migrated_postgres) as connection:
        for name in ("p", "q"):
            create_project(connection, Project(id=name, name=name))
    postgres = Postgres(migrated_postgres)
    yield Views(postgres)
    await postgres.close()


async def test_random_changes_leave_what_they_say(views: Views) -> None:
    random = Random(7)
    kept: dict[str, dict[str, Shown]] = {"p": {}, "q": {}}
    for n in range(120):
        project, shown = random.choice("pq"), Shown(random.choice(["logs", "errors"]), random.choice("abc"), f"n={n}")
        mine = kept[project]
        some = random.choice([*kept["p"], *kept["q"], "view_none"])
        taken = next((i for i, each in mine.items() if (each.page, each.name) == (shown.page, shown.name)), None)
        match random.choice(["add", "replace", "remove"]):
            case "add" if taken is not None:
                with pytest.raises(NameTaken, match=taken):
                    await views.add(project, shown, BY)
            case "add":
                mine[(await views.add(project, shown, BY)).id] = shown
            case "replace" if some in mine and taken not in (None, some):
                with pytest.raises(NameTaken, match=str(taken)):
                    await views.replace(project, some, shown, BY)
            case "replace":
                found = await views.replace(project, some, shown, BY)
                assert (found is not None) == (some in mine)
                if found is not None:
                    mine[some] = found.shown
                    assert found.shown == shown
            case "remove":
                removed = await views.remove(project, some, BY)
                assert (removed and removed.shown) == mine.pop(some, None)
        stored = [(each.id, each.shown) for each in await views.of_project(project)]
        assert stored == sorted(mine.items(), key=lambda item: (item[1].page, item[1].name))
        one = await views.find(project, some)
        assert (one and one.shown) == mine.get(some)


async def test_the_same_change_twice_changes_nothing(views: Views) -> None:
    made = await views.add("p", Shown("logs", "a", ""), BY)
    changed = await views.replace("p", made.id, Shown("errors", "b", "q=x"), BY)
    assert changed is not None
    assert changed.created_at == made.created_at == made.updated_at < changed.updated_at
    assert await views.replace("p", made.id, Shown("errors", "b", "q=x"), BY) == changed


async def test_a_project_has_no_more_than_it_may_however_many_come_at_once(
    views: Views, migrated_postgres: str
) -> None:
    with connect(migrated_postgres) as db:
        db.execute(
            "INSERT INTO views (id, project_id, page, name, state, created_by)"
            " SELECT n, 'p', 'logs', n, '', 'k' FROM generate_series(2, %s) AS n",
            [MOST_VIEWS],
        )
    coming = [views.add("p", Shown("logs", name, ""), BY) for name in ("a", "b", "c")]
    outcomes = await asyncio.gather(*coming, views.add("q", Shown("logs", "a", ""), BY), return_exceptions=True)
    assert sum(isinstance(each, TooManyViews) for each in outcomes) == 2
    assert len(await views.of_project("p")) == MOST_VIEWS
    assert len(await views.of_project("q")) == 1
