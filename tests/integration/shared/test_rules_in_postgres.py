"""Grouping rules in real Postgres: what a key's look-up brings of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.clients.postgres import Postgres, connect
from shared.fingerprint.rules import NO_RULES, BadRules, Rule
from shared.grouping_rules import RevisionId, current_revision, find_rules, set_rules
from shared.keys import ResolvedKey, create_key, find_keys, generate, hash_key
from shared.projects import Project, create_project

RULE = Rule(name="a", type="KeyError", group="keys")


@pytest.fixture
def url(migrated_postgres: str) -> str:
    return migrated_postgres


@pytest.fixture
async def postgres(url: str) -> AsyncIterator[Postgres]:
    made = Postgres(url)
    yield made
    await made.close()


def add_keys(url: str, project_id: str, n: int) -> list[str]:
    """The hashes of new keys of a new project."""
    tokens = [generate("dt") for _ in range(n)]
    with connect(url) as db:
        create_project(db, Project(id=project_id, name="P"))
        for token in tokens:
            create_key(db, project_id, token, scopes=["ingest"])
    return [hash_key(token) for token in tokens]


async def found(postgres: Postgres, digests: list[str]) -> tuple[list[ResolvedKey], list[tuple[Any, ...]]]:
    """The keys in order, and what could not be read."""
    unreadable: list[tuple[Any, ...]] = []
    keys = await find_keys(postgres, digests, lambda *what: unreadable.append(what))
    return [keys[digest] for digest in digests], unreadable


async def test_all_keys_of_a_project_have_one_object_of_its_rules(url: str, postgres: Postgres) -> None:
    ruled, plain = add_keys(url, "p", 30), add_keys(url, "q", 2)
    with connect(url) as db:
        revision, hashes = set_rules(db, "p", (RULE,), by="test")
    assert sorted(hashes) == sorted(ruled)
    keys, _ = await found(postgres, [*ruled, *plain])
    assert {key.project_id: key.rules.revision for key in keys} == {"p": revision, "q": 0}
    assert all(key.rules is keys[0].rules for key in keys[:30])
    assert all(key.rules is NO_RULES for key in keys[30:])
    again, _ = await found(postgres, ruled[:1])
    assert again[0].rules is keys[0].rules, "another look-up, the same revision"
    assert keys[0].rules.rules == (RULE,)


async def test_the_same_rules_are_no_new_revision_and_no_rules_are_revision_0(url: str, postgres: Postgres) -> None:
    add_keys(url, "p", 1)
    with connect(url) as db:
        first = set_rules(db, "p", (RULE,), by="test")[0]
        assert set_rules(db, "p", (RULE,), by="test")[0] == first
        second = set_rules(db, "p", (RULE, Rule(name="b", type="x", by="message")), by="test")[0]
        assert second > first
    assert await current_revision(postgres, "p") == second
    with connect(url) as db:
        assert set_rules(db, "p", (), by="test")[0] == 0
    assert await current_revision(postgres, "p") == 0
    wanted = [RevisionId("p", first), RevisionId("p", second), RevisionId("q", first)]
    assert (await find_rules(postgres, wanted)).keys() == set(wanted[:2])


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE grouping_rules SET rules = '{"rules": [{"name": "a", "colour": "red"}]}'""",
        "UPDATE projects SET rules_revision = rules_revision + 1",
    ],
)
async def test_rules_that_a_hand_has_spoiled_are_none_and_are_told(
    url: str, postgres: Postgres, statement: str
) -> None:
    digests = add_keys(url, "p", 3)
    with connect(url) as db:
        set_rules(db, "p", (RULE,), by="test")
        db.execute(statement)  # type: ignore[arg-type]
    keys, unreadable = await found(postgres, digests)
    assert [key.rules for key in keys] == [NO_RULES] * 3
    assert [(what, whose) for what, whose, _ in unreadable] == [("rules", "p")]
    assert isinstance(unreadable[0][2], BadRules)
    with connect(url) as db:
        revision, _ = set_rules(db, "p", (RULE,), by="test")
    assert [key.rules.revision for key in (await found(postgres, digests))[0]] == [revision] * 3
