"""`sluice migrate` on real engines: creates, evolves, destroys nothing (storage.md, "Migrations")."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from shared.clients.clickhouse import ClickHouse
from shared.clients.postgres import connect
from shared.migrations import migrate
from shared.migrations.postgres import NewerDatabase, migrations
from shared.migrations.run import Report, topic_specs
from shared.migrations.statements import alter_statements, create_statements
from shared.queue import open_queue
from shared.registry import Registry, load
from shared.settings import Services, Settings, Storage, Writer
from shared.signals.base import Column, Index, Rollup, Signal, Table, create_table
from shared.signals.errors import SIGNAL as ERRORS
from shared.signals.logs import LOGS

NOON_TODAY = "toStartOfDay(now64(6, 'UTC'))"


@pytest.fixture
def settings(clickhouse_database_url: str, postgres_database: str, tmp_path: Path) -> Settings:
    return Settings(
        services=Services(
            clickhouse_url=clickhouse_database_url,
            postgres_url=postgres_database,
            queue_url=f"sqlite:///{tmp_path}/queue.db",
        ),
        writer=Writer(batch_age_s=4.0),  # so slow that the least window is enough
    )


@pytest.fixture
def clickhouse(clickhouse_database_url: str) -> Iterator[ClickHouse]:
    connection = ClickHouse(clickhouse_database_url)
    yield connection
    connection.close()


def of_table(table: Table) -> Registry:
    return Registry({"logs": Signal("logs", table)}, {}, ())


def definition(clickhouse: ClickHouse, table: str = "logs") -> str:
    rows = clickhouse.query(
        "SELECT create_table_query FROM system.tables WHERE database = %(db)s AND name = %(table)s",
        {"db": clickhouse.database, "table": table},
    )
    return str(rows[0][0])


async def test_everything_is_made_and_a_second_run_finds_nothing_to_do(
    settings: Settings, clickhouse: ClickHouse
) -> None:
    registry = load()
    report = await migrate(settings, registry)
    tables = {name for (name,) in clickhouse.query("SHOW TABLES")}
    assert tables == {"logs", "errors", "spans", "llm_calls"}
    for table in registry.tables:
        assert definition(clickhouse, table.name).count("non_replicated_deduplication_window = 10000") == 1
    queue = open_queue(settings)
    topics = [name for signal in registry.with_overflow for name in (signal.topic, signal.dead_letter_topic)]
    assert {lane.topic for lane in await queue.lanes(topics)} == set(topics)
    await queue.close()
    with connect(settings.services.postgres_url) as db:
        assert db.execute("SELECT count(*) FROM keys").fetchone() == (0,)
    assert len(report.done) == len(migrations()) + len(tables) + len(topics)
    assert await migrate(settings, registry) == type(report)([], [])


async def test_missing_databases_are_made(settings: Settings, clickhouse: ClickHouse) -> None:
    name = f"{clickhouse.database}_made"
    services = replace_database(settings, name)
    try:
        report = await migrate(services, of_table(LOGS))
        assert "Postgres: created the database" in report.done
        assert f"ClickHouse: created the database {name}" in report.done
        with connect(services.services.postgres_url) as db:
            assert db.execute("SELECT current_database()").fetchone() == (name,)
    finally:
        clickhouse.query(f"DROP DATABASE IF EXISTS {name} SYNC")
        drop_postgres(settings.services.postgres_url, name)


def replace_database(settings: Settings, name: str) -> Settings:
    services = settings.services
    return Settings(
        services=Services(
            clickhouse_url=urlsplit(services.clickhouse_url)._replace(path=f"/{name}").geturl(),
            postgres_url=urlsplit(services.postgres_url)._replace(path=f"/{name}").geturl(),
            queue_url=services.queue_url,
        )
    )


def drop_postgres(url: str, name: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_two_processes_at_once_both_succeed(settings: Settings) -> None:
    environment = os.environ | {
        "SLUICE_CLICKHOUSE_URL": settings.services.clickhouse_url,
        "SLUICE_POSTGRES_URL": settings.services.postgres_url,
        "SLUICE_QUEUE_URL": settings.services.queue_url,
    }
    command = [sys.executable, "-m", "shared.cli", "migrate"]
    runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], outputs
    assert sorted("up to date" in output for output in outputs) == [False, True, True]


async def test_an_older_table_gets_what_it_lacks_and_keeps_its_rows(settings: Settings, clickhouse: ClickHouse) -> None:
    older = replace(
        LOGS,
        own_columns=tuple(column for column in LOGS.own_columns if column.name not in ("level", "format")),
        rollups=(),
        indexes=(),
    )
    statement = create_table(older, clickhouse.database)
    statement = statement.replace("non_replicated_deduplication_window = 10000,", "").replace(
        "INDEX trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,", ""
    )
    clickhouse.query(statement)
    clickhouse.query(
        f"INSERT INTO logs (project_id, timestamp, received_at, retention_days, template)"
        f" SELECT 'p', {NOON_TODAY}, {NOON_TODAY}, 30, 't' FROM numbers(1000)"
    )
    report = await migrate(settings, of_table(LOGS))
    assert [line for line in report.done if line.startswith("ClickHouse")] == [
        "ClickHouse: logs: added the column level",
        "ClickHouse: logs: added the column format",
        "ClickHouse: logs: added the index trace; old parts get it in the background",
        "ClickHouse: logs: added the index vercel; old parts get it in the background",
        "ClickHouse: logs: added the index user_ids; old parts get it in the background",
        "ClickHouse: logs: added the index request_ids; old parts get it in the background",
        "ClickHouse: logs: added the projection patterns_by_hour; old parts get it in the background",
        "ClickHouse: logs: added the projection volume_by_5min; old parts get it in the background",
        "ClickHouse: logs: set non_replicated_deduplication_window = 10000",
    ]
    clickhouse.query(create_table(replace(LOGS, name="fresh"), clickhouse.database))
    by_name = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '{}' ORDER BY {}"
    for order in ("name", "position"):
        assert clickhouse.query(by_name.format("logs", order)) == clickhouse.query(by_name.format("fresh", order))
    assert clickhouse.query("SELECT count(), countIf(level = '') FROM logs") == [(1000, 1000)]
    for _ in range(600):
        if clickhouse.query(
            "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"
        ) == [(0,)]:
            break
        await asyncio.sleep(0.1)
    question = LOGS.rollups[0].question.format(table="logs")
    plan = "\n".join(line for (line,) in clickhouse.query(f"EXPLAIN {question}"))
    assert "ReadFromMergeTree (patterns_by_hour)" in plan
    assert await migrate(settings, of_table(LOGS)) == type(report)([], [])


async def test_errors_from_before_have_no_digest_and_new_ones_are_found_by_theirs(
    settings: Settings, clickhouse: ClickHouse
) -> None:
    table = ERRORS.table
    new = ("digest", "vercel_id")
    older = replace(
        table,
        own_columns=tuple(column for column in table.own_columns if column.name not in new),
        indexes=tuple(index for index in table.indexes if index.expression not in new),
    )
    clickhouse.query(create_table(older, clickhouse.database))
    insert = "INSERT INTO errors (project_id, timestamp, received_at, retention_days{}) SELECT 'p', {}, {}, 30{}"
    clickhouse.query(insert.format("", NOON_TODAY, NOON_TODAY, " FROM numbers(1000)"))
    report = await migrate(settings, Registry({"errors": ERRORS}, {}, ()))
    assert [line.partition("; ")[0] for line in report.done if line.startswith("ClickHouse")] == [
        "ClickHouse: errors: added the column digest",
        "ClickHouse: errors: added the column vercel_id",
        "ClickHouse: errors: added the index digest",
        "ClickHouse: errors: added the index vercel",
    ]
    clickhouse.query(insert.format(", digest", NOON_TODAY, NOON_TODAY, ", '77'"))
    assert clickhouse.query("SELECT digest, count() FROM errors GROUP BY digest ORDER BY digest") == [
        ("", 1000),
        ("77", 1),
    ]
    assert (await migrate(settings, Registry({"errors": ERRORS}, {}, ()))).done == []


async def test_the_window_grows_with_the_lanes_and_remembers_what_it_knew(
    settings: Settings, clickhouse: ClickHouse
) -> None:
    def insert_again() -> None:
        clickhouse.query(
            f"INSERT INTO logs (project_id, timestamp, received_at, retention_days)"
            f" SELECT 'p', {NOON_TODAY}, {NOON_TODAY}, 30 FROM numbers(10)",
            settings={"insert_deduplication_token": "logs:0:0-9:1", "async_insert": 0},
        )

    registry = of_table(LOGS)
    await migrate(settings, registry)
    insert_again()
    quicker = structs.replace(settings, writer=Writer())
    grown = "ClickHouse: logs: set non_replicated_deduplication_window = 30000"
    assert (await migrate(quicker, registry)).done == [grown]  # 8 lanes x 2 batches/s x 370 s, four times
    for each in (quicker, settings):  # it never shrinks
        assert await migrate(each, registry) == Report([], [])
        insert_again()
    assert clickhouse.query("SELECT count() FROM logs") == [(10,)]


async def test_a_column_of_another_type_stops_nothing_else(settings: Settings, clickhouse: ClickHouse) -> None:
    columns = tuple(
        Column("line_number", "Int32", "") if column.name == "line_number" else column
        for column in LOGS.own_columns
        if column.name != "level"
    )
    odd = replace(LOGS, own_columns=(*columns, Column("mine", "String", "")), rollups=())
    statement = create_table(odd, clickhouse.database)
    clickhouse.query(statement.replace("non_replicated_deduplication_window = 10000,", ""))
    report = await migrate(settings, load(), allow_destructive=True)
    (conflict,) = report.conflicts
    assert "column line_number is Int32, it must be UInt32" in conflict
    assert "ClickHouse: logs: added the column level" in report.done
    assert "ClickHouse: logs: set non_replicated_deduplication_window = 10000" in report.done
    assert "ClickHouse: created the table spans" in report.done
    assert "queue: created the topic logs" in report.done
    assert ["mine" in sentence for sentence in report.left_alone] == [True], "nothing goes while it conflicts"
    again = await migrate(settings, load())
    assert (again.done, again.conflicts) == ([], [conflict])


async def test_a_table_of_another_engine_is_left_as_it_is_and_stops_nothing_else(
    settings: Settings, clickhouse: ClickHouse
) -> None:
    clickhouse.query("CREATE TABLE logs (level String) ENGINE = Memory")
    before = definition(clickhouse)
    report = await migrate(settings, load())
    assert definition(clickhouse) == before
    assert any("its engine is Memory, it must be MergeTree" in conflict for conflict in report.conflicts)
    assert {name for (name,) in clickhouse.query("SHOW TABLES")} == {"logs", "errors", "spans", "llm_calls"}


async def test_a_step_that_the_server_refuses_stops_no_other(settings: Settings, clickhouse: ClickHouse) -> None:
    columns = tuple(
        Column("template", "Array(String)", "") if column.name == "template" else column
        for column in LOGS.own_columns
        if column.name not in ("level", "format")
    )
    clickhouse.query(create_table(replace(LOGS, own_columns=columns, rollups=(), indexes=()), clickhouse.database))
    clickhouse.query("ALTER TABLE logs ADD CONSTRAINT none CHECK level_of_mine = '', ADD COLUMN level_of_mine String")
    report = await migrate(settings, load())
    assert "ClickHouse: logs: added the column level" in report.done
    assert any("column template is Array(String)" in conflict for conflict in report.conflicts)
    assert "queue: created the topic logs" in report.done


def test_the_command_prints_what_it_did_and_what_conflicts(settings: Settings, clickhouse: ClickHouse) -> None:
    clickhouse.query("CREATE TABLE logs (level String) ENGINE = Memory")
    run = sluice_migrate(settings)
    assert run.returncode == 1
    assert "created the table spans" in run.stdout
    assert "created the topic logs" in run.stdout
    assert run.stderr.startswith("not done: table logs: its engine is Memory")


def test_a_check_says_what_there_is_to_do_and_does_nothing(settings: Settings, clickhouse: ClickHouse) -> None:
    before = sluice_migrate(settings, "--check")
    assert before.returncode == 1
    for lacks in ("Postgres: there are no tables", "there is no table logs"):
        assert lacks in before.stderr
    assert clickhouse.query("SHOW TABLES") == []
    assert sluice_migrate(settings).returncode == 0
    done = sluice_migrate(settings, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "everything is up to date\n", "")
    clickhouse.query("ALTER TABLE spans DROP COLUMN status_message")
    after = sluice_migrate(settings, "--check")
    assert after.returncode == 1
    assert "spans: a migration would have added the column status_message" in after.stderr
    away = structs.replace(settings.services, clickhouse_url="clickhouse://default@127.0.0.1:1/sluice")
    unknown = sluice_migrate(structs.replace(settings, services=away), "--check")
    assert (unknown.returncode, "ClickHouse can't be reached" in unknown.stderr) == (2, True)


async def test_a_check_knows_all_topics_that_a_migration_makes(settings: Settings, tmp_path: Path) -> None:
    assert sluice_migrate(settings).returncode == 0
    services = structs.replace(settings.services, queue_url=f"sqlite:///{tmp_path}/before.db")
    before = structs.replace(settings, services=services)
    queue = open_queue(before)
    await queue.create_topics(topic_specs(load().signals.values(), settings.topics))
    await queue.close()
    found = await asyncio.to_thread(sluice_migrate, before, "--check")
    assert (found.returncode, "queue: there is no topic logs.overflow" in found.stderr) == (1, True)


def test_the_command_takes_the_addresses_of_a_folder(settings: Settings, tmp_path: Path) -> None:
    services = settings.services
    (tmp_path / "env").write_text(
        f"SLUICE_CLICKHOUSE_URL={services.clickhouse_url}\nSLUICE_POSTGRES_URL={services.postgres_url}\n"
        f"SLUICE_QUEUE_URL={services.queue_url}\n"
    )
    run = sluice_migrate(None, "--data-dir", str(tmp_path))
    assert (run.returncode, run.stderr) == (0, "")
    assert "created the topic logs" in run.stdout


def sluice_migrate(settings: Settings | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    if settings is not None:
        clean |= {
            "SLUICE_CLICKHOUSE_URL": settings.services.clickhouse_url,
            "SLUICE_POSTGRES_URL": settings.services.postgres_url,
            "SLUICE_QUEUE_URL": settings.services.queue_url,
        }
    command = [sys.executable, "-m", "shared.cli", "migrate", *arguments]
    return subprocess.run(command, env=clean, capture_output=True, text=True, timeout=60)


async def test_nothing_is_taken_away_unless_allowed(settings: Settings, clickhouse: ClickHouse) -> None:
    richer = replace(
        LOGS,
        own_columns=(*LOGS.own_columns, Column("mine", "String", "")),
        indexes=(*LOGS.indexes, Index("mine", "user_id", "minmax")),
        rollups=(
            Rollup("patterns_by_hour", "SELECT project_id, count() GROUP BY project_id", ""),
            *LOGS.rollups[1:],
            Rollup("mine", "SELECT project_id, max(timestamp) GROUP BY project_id", ""),
        ),
    )
    clickhouse.query(create_table(richer, clickhouse.database))
    before = definition(clickhouse)
    report = await migrate(settings, of_table(LOGS))
    assert definition(clickhouse) == before
    assert len(report.left_alone) == 5
    assert all("--allow-destructive" in sentence for sentence in report.left_alone)

    assert (await migrate(settings, of_table(LOGS), allow_destructive=True)).left_alone == []
    clickhouse.query(create_table(replace(LOGS, name="fresh"), clickhouse.database))
    assert definition(clickhouse) != before
    assert "mine" not in definition(clickhouse)
    assert await migrate(settings, of_table(LOGS), allow_destructive=True) == type(report)([], [])


async def test_fsync_follows_its_setting(settings: Settings, clickhouse: ClickHouse) -> None:
    safe = Settings(services=settings.services, writer=Writer(fsync=True))
    await migrate(safe, of_table(LOGS))
    assert "fsync_after_insert = 1" in definition(clickhouse)
    assert "fsync_part_directory = 1" in definition(clickhouse)
    assert (await migrate(safe, of_table(LOGS))).done == []
    await migrate(settings, of_table(LOGS))
    assert "fsync_after_insert = 1" not in definition(clickhouse)


async def test_a_database_of_a_newer_version_is_left_alone(settings: Settings) -> None:
    await migrate(settings, of_table(LOGS))
    with connect(settings.services.postgres_url) as db:
        db.execute("INSERT INTO sluice_migrations (number, name) VALUES (9999, 'later')")
    with pytest.raises(NewerDatabase, match="9999"):
        await migrate(settings, of_table(LOGS))


@pytest.mark.parametrize(
    "storage",
    [
        Storage(),
        Storage(engine="ReplicatedMergeTree"),
        Storage(cluster="c"),
        Storage(engine="ReplicatedMergeTree", cluster="c"),
    ],
    ids=["one server", "replicated", "sharded", "sharded and replicated"],
)
def test_the_engine_can_parse_every_statement(clickhouse: ClickHouse, storage: Storage) -> None:
    for table in load().tables:
        statements = create_statements(table, "sluice", storage)
        alter = "ADD COLUMN IF NOT EXISTS `x` String CODEC(ZSTD(1)) AFTER `level`"
        statements += alter_statements(alter, table, "sluice", storage, of_columns=True)
        for statement in statements:
            clickhouse.query("SELECT formatQuery(%(statement)s)", {"statement": statement})
        both = "\n".join(statements)
        assert ("ReplicatedMergeTree('/clickhouse/tables/" in both) == (storage.engine == "ReplicatedMergeTree")
        assert both.count("ON CLUSTER 'c'") == (4 if storage.cluster else 0)
        assert both.count(f"Distributed('c', 'sluice', '{table.name}_local'") == bool(storage.cluster)


def test_the_command_says_what_to_do_when_something_is_away(settings: Settings) -> None:
    environment = os.environ | {
        "SLUICE_CLICKHOUSE_URL": "clickhouse://default@127.0.0.1:1/sluice",
        "SLUICE_POSTGRES_URL": settings.services.postgres_url,
        "SLUICE_QUEUE_URL": settings.services.queue_url,
    }
    command = [sys.executable, "-m", "shared.cli", "migrate"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert run.stderr.startswith("not done: ClickHouse can't be reached: ")
    assert "127.0.0.1:1" in run.stderr
    assert "Traceback" not in run.stderr
