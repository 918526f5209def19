"""`sluice logs` as people and programs call it (reading.md, "In a terminal")."""

import asyncio
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from rich.cells import cell_len

from gateway.query.commands import log_search
from gateway.query.logs import plan, stepwise
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.search import Found
from gateway.query.logs.stepwise import Searched
from gateway.query.reader import Reader
from gateway.query.steps import BUCKET_US
from shared import settings
from shared.clients.postgres import connect, locked
from shared.migrations.postgres import migrate_postgres
from shared.projects import Project, create_project
from shared.queue import open_queue
from tests.integration.gateway.query.commands.sluice import Sluice
from tests.integration.gateway.query.read_api import NO_POSTGRES, NOON, Asker, Store

LOGS = "/api/v1/projects/p/logs"
SECOND = 1_000_000
HOUR = ("--start", "2026-01-15T12:00:00Z", "--end", "2026-01-15T12:59:59Z")
PAGE = Path(__file__).parents[5] / "deploy/docs/reading.md"
EXAMPLES = re.findall(r"^sluice .*$", PAGE.read_text(), re.MULTILINE)
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202egnp.exe\r\n\tsecond line"


def add(store: Store, *messages: str, level: str = "info") -> None:
    """One a second, from noon on."""
    store.add_logs(
        *(
            {"timestamp": NOON + n * SECOND, "level": level, "message": message, "service": "api"}
            for n, message in enumerate(messages)
        ),
        {"timestamp": NOON, "project_id": "q", "message": "a stranger's"},
    )


def test_the_newest_stand_last(sluice: Sluice, store: Store) -> None:
    add(store, "first", "second", "third")
    done = sluice.run("logs", *HOUR)
    assert done.lines == [
        "12:00:00.000  info   api      first",
        "12:00:01.000  info   api      second",
        "12:00:02.000  info   api      third",
    ]
    assert (done.code, done.err) == (0, "")
    assert [line.split()[-1] for line in sluice.run("logs", "--newest-first", *HOUR).lines] == [
        "third", "second", "first",
    ]  # fmt: skip


def test_json_is_what_the_route_answers(sluice: Sluice, store: Store, routes: Asker) -> None:
    add(store, "first", EVIL)
    store.add_logs({"attributes": '{"k": "\\ud800",\n "huge": 1e400}', "trace_id": "t"})
    answer = routes.get(LOGS, include="service", start_time=HOUR[1], end_time=HOUR[3])
    done = sluice.run("logs", "--json", "--newest-first", *HOUR)
    assert done.objects == answer.json()["logs"]
    assert sluice.run("logs", "--json", *HOUR).lines == done.lines[::-1]


def test_a_limit_goes_over_many_pages(sluice: Sluice, store: Store) -> None:
    store.add_logs(*({"timestamp": NOON + n * SECOND, "line_number": n} for n in range(2_500)))
    done = sluice.run("logs", "--limit", "2200", "--json", *HOUR)
    assert [log["line_number"] for log in done.objects] == list(range(300, 2_500))
    assert done.err == "these are the newest 2,200; there are more: --limit 22000\n"
    done = sluice.run("logs", "--limit", "2500", "--json", *HOUR)
    assert (len(done.lines), done.err) == (2_500, "")


def test_the_query_may_be_several_words(sluice: Sluice, store: Store) -> None:
    add(store, "card declined", "card accepted", "declined")
    assert len(sluice.run("logs", "card", "declined", *HOUR).lines) == 1
    assert len(sluice.run("logs", *HOUR, "--", "-declined").lines) == 1


def test_nothing_found_is_1_and_says_where_it_looked(sluice: Sluice, store: Store) -> None:
    add(store, "first")
    done = sluice.run("logs", "absent", *HOUR)
    assert (done.code, done.out) == (1, "")
    assert done.err == "no logs from 12:00:00 to 12:59:59 UTC, 1 rows searched\n"


def test_a_hint_is_told_beside_what_was_found(sluice: Sluice, store: Store) -> None:
    add(store, "call (broken")
    done = sluice.run("logs", "(broken", *HOUR)
    assert (done.code, len(done.lines)) == (0, 1)
    assert done.err == "hint: searched as plain text: unmatched ( at 1\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--last", "1x"], "--last: Input should be a duration"),
        (["--start", "2026-01-15", "--last", "1h"], "give --start or --last, not both"),
        (["--columns", "nonsense"], "--columns: Input should be"),
        (["x" * 3000], "the query: String should have at most 2048 characters"),
        (["--project", "nobody"], "there is no project 'nobody'; there are: p"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_what_can_not_be_asked_is_2(sluice: Sluice, arguments: list[str], said: str) -> None:
    done = sluice.run("logs", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_of_several_projects_one_must_be_named(sluice: Sluice, store: Store, postgres_database: str) -> None:
    async def migrate() -> None:
        async with locked(postgres_database, "test", wait_s=5) as db:
            await migrate_postgres(db)

    asyncio.run(migrate())
    sluice.environment["SLUICE_POSTGRES_URL"] = postgres_database
    del sluice.environment["SLUICE_PROJECT_ID"]
    add(store, "ours")
    done = sluice.run("logs")
    assert done.code == 2
    assert "there is no project yet" in done.err
    with connect(postgres_database) as db:
        create_project(db, Project(id="p", name="p"))
    assert len(sluice.run("logs", *HOUR).lines) == 1
    with connect(postgres_database) as db:
        create_project(db, Project(id="q", name="q"))
    done = sluice.run("logs")
    assert done.code == 2
    assert "say --project, there are: p, q" in done.err
    assert len(sluice.run("logs", "--project", "p", *HOUR).lines) == 1
    assert len(sluice.run("logs", *HOUR, SLUICE_PROJECT_ID="q").lines) == 1


def test_neighbours_that_are_away(sluice: Sluice, store: Store) -> None:
    add(store, "first")
    done = sluice.run("logs", *HOUR, SLUICE_PROJECT_ID=None, SLUICE_POSTGRES_URL=NO_POSTGRES)
    assert done.code == 2
    assert done.err.startswith("not done: Postgres can't be reached")
    assert sluice.run("logs", *HOUR, "--project", "p", SLUICE_POSTGRES_URL=NO_POSTGRES).code == 0
    done = sluice.run("logs", *HOUR, SLUICE_QUEUE_URL="sqlite:////nowhere/queue.db")
    assert done.code == 0
    assert done.err == ("note: how far this is complete is unknown: the queue can't be asked how far the writers are\n")


def test_what_is_still_arriving_is_told(sluice: Sluice, queue_url: str) -> None:
    async def publish() -> None:
        queue = open_queue(settings.load({"SLUICE_QUEUE_URL": queue_url}))
        producer = queue.producer()
        await producer.start()
        await producer.publish("logs", b"message")
        await producer.stop()
        await queue.close()

    asyncio.run(publish())
    done = sluice.run("logs", "--last", "15m")
    assert done.code == 1
    assert "note: still arriving: all that was sent before " in done.err


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of ten rows, two of them between reports."""
    monkeypatch.setattr(plan, "MAX_ROWS", 10)
    monkeypatch.setattr(log_search, "BUDGET", 20)


@pytest.mark.usefixtures("small_steps")
def test_progress_is_told_step_by_step(sluice: Sluice, store: Store) -> None:
    store.add_logs(*({"timestamp": NOON + n * BUCKET_US} for n in range(12) for _ in range(4)))
    done = sluice.shown("logs", "absent", *HOUR)
    told = done.err.replace("\x1b[K", "").split("\r")
    assert told == [
        "",
        "searched back to 12:40:00, 16 of 48 rows",
        "searched back to 12:20:00, 32 of 48 rows",
        "no logs from 12:00:00 to 12:59:59 UTC, 48 rows searched\n",
    ]
    assert "searched back" not in sluice.run("logs", "absent", *HOUR).err


def test_ctrl_c_prints_what_was_found(sluice: Sluice, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add_logs(*({"timestamp": NOON + n * SECOND, "line_number": n} for n in range(1_500)))
    asked: list[LogQuery] = []

    async def interrupted(reader: Reader, project_id: str, query: LogQuery, budget: int) -> tuple[Found, Searched]:
        asked.append(query)
        if len(asked) > 1:
            raise KeyboardInterrupt
        return await stepwise.search_in_steps(reader, project_id, query, budget)

    monkeypatch.setattr(log_search, "search_in_steps", interrupted)
    done = sluice.run("logs", "--limit", "1500", "--json", *HOUR)
    assert done.code == 130
    assert [log["line_number"] for log in done.objects] == list(range(500, 1_500))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_are_commands(sluice: Sluice, example: str) -> None:
    command, _, _ = example.partition(" | ")
    _, *arguments = shlex.split(command)
    done = sluice.run(*(word for word in arguments if word != "--follow"))
    assert (done.code, done.out) == (1, ""), done.err


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


def test_a_terminal_gets_lines_that_fit(sluice: Sluice, store: Store) -> None:
    add(store, "long " * 100, "日本語" * 50, EVIL, level="error")
    done = sluice.shown("logs", *HOUR, "--columns", "service,attr.k")
    plain = done.out.replace("\x1b[31m", "").replace("\x1b[36m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert plain.isprintable() or set(plain) - set("\n") == {char for char in plain if char.isprintable()}
    assert [cell_len(line) <= 80 for line in plain.splitlines()] == [True] * 4
    assert [line.index("error") for line in plain.splitlines()[1:]] == [14] * 3
    assert "\x1b[31merror\x1b[0m" in done.out
    assert "\x1b" not in sluice.shown("logs", *HOUR, NO_COLOR="1").out


def test_no_strange_byte_reaches_a_terminal(sluice: Sluice, store: Store) -> None:
    store.add_logs({"message": EVIL, "level": EVIL, "service": EVIL, "user_id": EVIL})
    shown = "\\x1b]0;owned\\x07\\x1b[2J\\x9b2J\\u202egnp.exe"
    for arguments in (["--columns", "service,user_id"], ["--wide"], ["--json"]):
        for done in (sluice.shown("logs", *HOUR, *arguments, NO_COLOR="1"), sluice.run("logs", *HOUR, *arguments)):
            assert done.code == 0
            assert all(line.isprintable() for line in done.lines), done.lines
    assert f"{shown}\\r\\n\\tsecond line" in sluice.run("logs", *HOUR).out
    assert sluice.run("logs", *HOUR, "--wide").lines[-1] == "        second line"


def test_in_a_real_terminal(sluice: Sluice, store: Store) -> None:
    add(store, "long " * 100)
    code, written = sluice.in_terminal("logs", *HOUR)
    assert code == 0
    title, line = written.splitlines()
    assert title.startswith("\x1b[2mtime (UTC)\x1b[0m")
    assert line.endswith("long long…")


def test_a_clickhouse_that_is_away_is_one_sentence(sluice: Sluice) -> None:
    code, written = sluice.in_terminal("logs", NO_COLOR="1", SLUICE_CLICKHOUSE_URL="clickhouse://a@127.0.0.1:1/none")
    assert code == 2
    assert written.startswith("not done: ClickHouse can't be reached")
    assert written.count("not done") == 1
    assert "Traceback" not in written


def test_a_reader_that_leaves_is_no_error(sluice: Sluice, store: Store) -> None:
    store.add_logs(*({"message": "x" * 1_000} for _ in range(1_000)))
    argv, env = sluice.command("logs", "--limit", "1000", *HOUR)
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().endswith(b"x\n")
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")
