"""`sluice migrate` on filled tables of a former version, beside a writer at work (storage.md, "Migrations")."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from shared.clients.clickhouse import ServerError
from shared.registry import Registry, load
from tests.integration.writer.ops.commands import environment
from tests.integration.writer.records import logs
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import ROOT, until

FORMER = (ROOT / "tests/fixtures/tables/before_reading.sql").read_text()
ROWS = int(os.environ.get("SLUICE_TEST_FORMER_ROWS", "100000"))
"""Of the project `old`, which gets no others: every question about it has one right answer."""

HOURS = 48
BY_FORMER = "SELECT toStartOfHour(received_at) AS hour, count() FROM logs WHERE project_id = 'old' GROUP BY hour"
BY_TEMPLATE = (
    "SELECT template, level, toStartOfHour(timestamp) AS hour, count(), max(timestamp) FROM logs"
    " WHERE project_id = 'old' GROUP BY template, level, hour"
)
BY_PATTERN = "SELECT pattern, count() FROM logs WHERE project_id = 'old' GROUP BY pattern"


def make_former_tables(stage: Stage) -> None:
    """The tables before this version, with rows in several parts."""
    for statement in FORMER.format(database=stage.database).split(";"):
        if statement.strip():
            stage.query(statement)
    for part in range(5):
        stage.query(
            "INSERT INTO logs (project_id, timestamp, received_at, retention_days, level, message, template, _topic,"
            " _offset, user_id) SELECT 'old', now64(6) - toIntervalSecond(number % 172800) AS at, at, 90,"
            " ['info', 'error'][number % 2 + 1], concat('Job ', toString(number), ' done'),"
            f" if(number % 3 = 0, 'Job done', ''), 'former', number, toString(number)"
            f" FROM numbers({part * ROWS // 5}, {ROWS // 5})"
        )


def of_former_tables(registry: Registry) -> Registry:
    """With logs of the columns that the former tables have, as the writers knew them that ran on these."""
    logs_now = registry.signals["logs"]
    made, _, _ = FORMER.partition("ENGINE")
    known = tuple(column for column in logs_now.table.own_columns if f"`{column.name}`" in made)
    table = replace(logs_now.table, own_columns=known)
    return replace(registry, signals={**registry.signals, "logs": replace(logs_now, table=table)})


def plan(stage: Stage, question: str) -> str:
    return "\n".join(line for (line,) in stage.query(f"EXPLAIN {question}"))


NO_PROJECTION = 582


class Questions:
    """Asks the same things all the time; every answer must be the first one."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._right = {question: self._ask(question) for question in (BY_FORMER, BY_TEMPLATE)}
        self.answers = 0
        self.stop = asyncio.Event()

    async def ask_until_stopped(self) -> None:
        while not self.stop.is_set():
            await asyncio.to_thread(self.ask)

    def ask(self) -> None:
        """A question that meets the very moment in which a projection is dropped may fail in ClickHouse, once."""
        try:
            self._ask_all()
        except ServerError as error:
            if error.code != NO_PROJECTION:
                raise
            self._ask_all()

    def _ask_all(self) -> None:
        for question, right in self._right.items():
            assert self._ask(question) == right
        plan_now = plan(self._stage, BY_FORMER)
        assert "(usage_by_hour)" in plan_now or "(lanes_by_hour)" in plan_now, plan_now
        self.answers += 1

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        return sorted(self._stage.query(question))


class Traffic:
    """Publishes messages of three logs each, until it is stopped."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.messages = 0
        self.stop = asyncio.Event()

    async def publish_until_stopped(self) -> None:
        while not self.stop.is_set():
            await self._stage.publish(logs(*(f"{self.messages}.{n}" for n in range(3)), project_id="new"))
            self.messages += 1
            await asyncio.sleep(0.005)


class Migrate:
    """`sluice migrate` in a process of its own, its output line by line."""

    def __init__(self, stage: Stage, postgres_url: str) -> None:
        env = environment(stage, POSTGRES_URL=postgres_url)
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "shared.cli", "migrate"],
            env=env | {"PYTHONUNBUFFERED": "1"},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    async def read_until(self, part: str) -> None:
        """Read lines until one has this text."""
        assert self.process.stdout is not None
        while not self.lines or part not in self.lines[-1]:
            line = await asyncio.to_thread(self.process.stdout.readline)
            assert line, "".join(self.lines)
            self.lines.append(line)

    async def kill(self) -> None:
        self.process.kill()
        await asyncio.to_thread(self.process.communicate)

    async def end(self) -> str:
        """Wait for its end; its whole output."""
        rest, _ = await asyncio.to_thread(self.process.communicate, timeout=120)
        output = "".join(self.lines) + rest
        assert self.process.returncode == 0, output
        return output


def projections(stage: Stage) -> set[str]:
    rows = stage.query("SELECT name FROM system.projections WHERE database = currentDatabase() AND table = 'logs'")
    return {name for (name,) in rows}


def parts_without(stage: Stage, projection: str) -> int:
    sql = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'logs' AND active"
    return int(stage.query(f"{sql} AND rows > 0 AND NOT has(projections, '{projection}')")[0][0])


@pytest.fixture
async def former_stage(stage: Stage) -> Stage:
    await stage.make("logs", tables=False)
    make_former_tables(stage)
    return stage


@pytest.mark.timeout(150)
async def test_filled_tables_are_migrated_beside_a_writer(former_stage: Stage, postgres_database: str) -> None:
    stage, questions, traffic = former_stage, Questions(former_stage), Traffic(former_stage)
    async with asyncio.TaskGroup() as group, stage.writer(registry=of_former_tables(stage.registry)):
        group.create_task(questions.ask_until_stopped())
        group.create_task(traffic.publish_until_stopped())
        await until(lambda: stage.count() > ROWS)
        stage.query("SYSTEM STOP MERGES logs")  # and with them what is to be built

        killed = Migrate(stage, postgres_database)
        await killed.read_until("parts left")
        await killed.kill()
        assert projections(stage) >= {"usage_by_hour", "templates_by_hour", "lanes_by_hour", "patterns_by_hour"}
        assert parts_without(stage, "lanes_by_hour") > 0
        asked = questions.answers
        await until(lambda: questions.answers > asked + 1)

        again = Migrate(stage, postgres_database)
        await again.read_until("parts left")
        assert any("later: logs: dropped the projection usage_by_hour" in line for line in again.lines)
        stage.query("SYSTEM START MERGES logs")
        output = await again.end()
        for former in ("usage_by_hour", "templates_by_hour"):
            assert f"ClickHouse: logs: dropped the projection {former}" in output, output
        asked = questions.answers
        await until(lambda: questions.answers > asked + 1)
        questions.stop.set()
        traffic.stop.set()
        await until(lambda: stage.count() == ROWS + 3 * traffic.messages)
    async with stage.writer():  # of this version
        await stage.publish(logs("last", project_id="newest"))
        await until(lambda: stage.count() == ROWS + 3 * traffic.messages + 1)
    assert projections(stage) == {rollup.name for rollup in load().signals["logs"].table.all_rollups}
    assert all(parts_without(stage, name) == 0 for name in projections(stage))
    assert stage.query("SELECT count(), uniqExact(message) FROM logs WHERE project_id = 'new'") == [
        (3 * traffic.messages, 3 * traffic.messages)
    ]
    assert sorted(stage.query(BY_PATTERN)) == [("Job * done", ROWS - (ROWS + 2) // 3), ("Job done", (ROWS + 2) // 3)]
    assert "(patterns_by_hour)" in plan(stage, BY_PATTERN)
    assert (await Migrate(stage, postgres_database).end()).strip() == "everything is up to date"


@pytest.mark.timeout(150)
async def test_a_part_that_lost_its_projection_gets_it_again(former_stage: Stage, postgres_database: str) -> None:
    stage = former_stage
    stage.query("SYSTEM STOP MERGES logs")
    migrating = Migrate(stage, postgres_database)
    await migrating.read_until("parts left")
    await migrating.kill()
    stage.query("KILL MUTATION WHERE database = currentDatabase() AND table = 'logs' SYNC")
    stage.query("SYSTEM START MERGES logs")
    assert parts_without(stage, "lanes_by_hour") > 0
    output = await Migrate(stage, postgres_database).end()
    assert "went on with the projection lanes_by_hour" in output
    assert parts_without(stage, "lanes_by_hour") == 0
    assert "usage_by_hour" not in projections(stage)


async def test_a_search_index_comes_and_goes_with_its_setting(stage: Stage, postgres_database: str) -> None:
    def migrate(choice: str) -> str:
        env = environment(stage, POSTGRES_URL=postgres_database, SEARCH_INDEX=choice)
        command = [sys.executable, "-m", "shared.cli", "migrate"]
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    def there() -> list[str]:
        sql = "SELECT name FROM system.data_skipping_indices WHERE database = currentDatabase() AND table = 'logs'"
        return [name for (name,) in stage.query(sql) if name.startswith("search_")]

    await stage.make("logs")
    for choice in ("words", "substrings", "attributes"):
        assert f"added the index search_{choice}" in await asyncio.to_thread(migrate, choice)
        assert there() == [f"search_{choice}"]
    assert "dropped the index search_attributes" in await asyncio.to_thread(migrate, "none")
    assert there() == []
