"""Stored errors are regrouped by the rules of now (grouping.md, "Regrouping what is stored")."""

from collections.abc import Callable

import pytest

from shared.fingerprint import CURRENT, fingerprint
from shared.fingerprint.rules import Rules
from tests.integration.writer.grouped import error, prepare, rule, rules_set
from tests.integration.writer.ops.commands import audited
from tests.integration.writer.ops.stage_operator import StageOperator
from tests.integration.writer.stage import Stage
from writer.ops.replay.regrouping import Grouping
from writer.ops.replay.replay import Options
from writer.rules_book import RulesUnavailable

TIMEOUTS = rule("*timed out*", "timeouts")
CURRENT_RULES = Options(rewrite=True, grouping=Grouping(rules="current"))
SAID = ["query timed out", "sold out", "upload timed out", "sold out"]


@pytest.fixture
async def postgres(postgres_database: str) -> str:
    return await prepare(postgres_database)


async def stored(stage: Stage, postgres: str, revision: int = 0) -> list[str]:
    """Have four errors stored; returns their fingerprints."""
    stage.postgres_url = postgres
    await stage.make("errors")
    await stage.publish(*(error(f"e{n}", text, revision) for n, text in enumerate(SAID)), signal="errors")
    async with stage.writer("errors"):
        await stage.until_committed(len(SAID), "errors")
    return groups(stage)


def groups(stage: Stage) -> list[str]:
    return [text for (text,) in stage.query("SELECT fingerprint FROM errors ORDER BY _offset")]


def all_rows(stage: Stage) -> Callable[[], list[tuple[object, ...]]]:
    return lambda: stage.query("SELECT * FROM errors ORDER BY _offset, _index")


async def test_rows_get_the_groups_of_new_rules_once_each_and_a_second_run_changes_nothing(
    stage: Stage, postgres: str
) -> None:
    before = await stored(stage, postgres)
    assert len(set(before)) == 4
    operator, rows = StageOperator(stage, postgres), all_rows(stage)
    as_told = rows()
    rules_set(postgres, TIMEOUTS)

    assert (await operator.replay("errors", options=Options(rewrite=True))).rewritten == 4
    assert rows() == as_told, "without --rules current a row is what the client was told"

    done = await operator.replay("errors", options=CURRENT_RULES)
    assert (done.rewritten, done.inserted, done.already_present, done.incomplete) == (4, 0, 0, [])
    one = fingerprint(CURRENT, "timed out", "", Rules(1, [TIMEOUTS])).hash
    assert groups(stage) == [one, before[1], one, before[3]]
    counts = await audited(stage, signals=("errors",))
    assert counts.ok
    assert (counts.expected, counts.found) == (4, 4)

    regrouped = rows()
    assert (await operator.replay("errors", options=CURRENT_RULES)).rewritten == 4
    assert rows() == regrouped
    assert (await operator.replay("errors", options=Options(rewrite=True))).rewritten == 4
    assert rows() == as_told


async def test_rules_that_were_ended_are_not_the_stamps(stage: Stage, postgres: str) -> None:
    one = await stored(stage, postgres, rules_set(postgres, TIMEOUTS))
    assert one[0] == one[2]
    assert (await audited(stage, signals=("errors",), contents=True)).ok, "audit derives rows by the stamp's rules"
    rules_set(postgres)
    operator = StageOperator(stage, postgres)
    await operator.replay("errors", options=CURRENT_RULES)
    assert len(set(groups(stage))) == 4
    altered = await audited(stage, signals=("errors",), contents=True)
    assert (altered.altered, altered.missing) == (2, 0)
    await operator.replay("errors", options=Options(rewrite=True))
    assert groups(stage) == one


async def test_missing_rows_come_back_in_the_groups_that_clients_were_told(stage: Stage, postgres: str) -> None:
    told = await stored(stage, postgres, rules_set(postgres, TIMEOUTS))
    rules_set(postgres, rule("*", "everything"))
    stage.query("DELETE FROM errors WHERE _offset < 3")
    assert (await StageOperator(stage, postgres).replay("errors")).inserted == 3
    assert groups(stage) == told


async def test_a_lost_revision_ends_a_replay_before_anything_is_changed(stage: Stage, postgres: str) -> None:
    told = await stored(stage, postgres, rules_set(postgres, TIMEOUTS))
    await _lose_rules(postgres)
    with pytest.raises(RulesUnavailable, match="put the rules back"):
        await StageOperator(stage, postgres).replay("errors", options=Options(rewrite=True))
    assert groups(stage) == told


async def test_people_call_it_so(stage: Stage, postgres: str) -> None:
    await stored(stage, postgres)
    rules_set(postgres, TIMEOUTS)
    operator = StageOperator(stage, postgres)
    refused = await operator.run("replay", "--signal", "errors", "--rules", "current")
    assert refused.code == 2
    assert "add --rewrite" in refused.err
    done = await operator.run("replay", "--signal", "errors", "--rewrite", "--rules", "current")
    assert done.code == 0, done.err
    assert "4 rewritten" in done.out
    assert len(set(groups(stage))) == 3


async def _lose_rules(postgres: str) -> None:
    import psycopg

    async with await psycopg.AsyncConnection.connect(postgres) as db:
        await db.execute("DELETE FROM grouping_rules")
