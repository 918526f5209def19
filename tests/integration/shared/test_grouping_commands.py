"""`sluice grouping` as people and programs call it, on real Postgres, Redis and ClickHouse."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.clients.postgres import connect
from shared.fingerprint import CURRENT, fingerprint
from shared.fingerprint.rules import Rules, read_rules
from tests.integration.gateway.query.read_api import Store, temporary_store
from tests.integration.shared.cli import Cli
from tests.integration.stack import wait_until

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)

TIMEOUTS = """
[[rules]]
name = "timeouts"
message = "*timed out*"
group = "timeouts"
"""


@pytest.fixture
def project(cli: Cli) -> str:
    made: str = cli.json("project", "create", "P", "--id", "p")["id"]
    return made


@pytest.fixture
def rules(tmp_path: Path) -> str:
    (tmp_path / "rules.toml").write_text(TIMEOUTS)
    return str(tmp_path / "rules.toml")


def test_rules_are_set_shown_and_ended(cli: Cli, project: str, rules: str, tmp_path: Path) -> None:
    assert cli.json("grouping", "rules", "show", "--project", project)["revision"] == 0
    made = cli.json("grouping", "rules", "set", rules, "--project", project, "--by", "Ada")
    assert made == {"project_id": "p", "revision": made["revision"], "rules": 1}
    shown = cli.json("grouping", "rules", "show", "--project", project)
    assert (shown["revision"], shown["created_by"], shown["rules"][0]["name"]) == (made["revision"], "Ada", "timeouts")
    for text in ("timeouts", "*timed out*", "group timeouts", str(made["revision"]), "by Ada"):
        assert text in cli.run("grouping", "rules", "show", "--project", project)

    # The same rules are the same revision, also as JSON out of `show`.
    (tmp_path / "again.json").write_text(json.dumps(shown))
    again = cli.json("grouping", "rules", "set", str(tmp_path / "again.json"), "--project", project)
    assert again["revision"] == made["revision"]

    ended = cli.run("grouping", "rules", "set", "-", "--project", project, typed="rules = []")
    assert "no rules any more" in ended
    assert cli.json("grouping", "rules", "show", "--project", project)["rules"] == []
    old = cli.json("grouping", "rules", "show", "--project", project, "--revision", str(made["revision"]))
    assert old == shown, "what messages name stays"


def test_a_revisions_number_is_never_given_out_again(cli: Cli, project: str, rules: str) -> None:
    revisions = []
    for key in ("one", "two", "three"):  # within a second or two
        text = TIMEOUTS.replace('group = "timeouts"', f'group = "{key}"')
        out = cli.run("grouping", "rules", "set", "-", "--project", project, "--json", typed=text)
        revisions.append(json.loads(out)["revision"])
    assert revisions == sorted(set(revisions))
    with connect(cli.postgres_url) as db:  # out of a backup made before the last two
        db.execute("DELETE FROM grouping_rules WHERE revision > %s", [revisions[0]])
        db.execute("UPDATE projects SET rules_revision = %s", [revisions[0]])
    wait_until(
        lambda: int(f"{datetime.now(UTC):%Y%m%d%H%M%S}") > revisions[2], 10, "a later second: numbers are seconds"
    )
    assert cli.json("grouping", "rules", "set", rules, "--project", project)["revision"] > revisions[2]


def test_a_lost_revision_is_put_back_and_an_existing_one_never_changes(cli: Cli, project: str, rules: str) -> None:
    made = cli.json("grouping", "rules", "set", rules, "--project", project)["revision"]
    back = ("grouping", "rules", "set", rules, "--project", project, "--revision")
    assert cli.json(*back, "20260101000000")["revision"] == 20260101000000
    assert cli.json("grouping", "rules", "show", "--project", project)["revision"] == made
    assert "a revision never changes" in cli.run(*back, str(made), fails=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rules", "set", "-", "--project", "p"), "rule 'a' needs one outcome"),
        (("rules", "set", "/none", "--project", "p"), "/none can't be read"),
        (("rules", "show", "--project", "q"), "there is no project 'q'"),
        (("rules", "show", "--project", "p", "--revision", "7"), "project 'p' has no revision 7"),
        (("rules", "test", "/none", "--project", "p"), "/none can't be read"),
        (("merge", A, "--into", A, "--project", "p"), "can't be merged into itself"),
        (("merge", "x", "--into", A, "--project", "p"), "'x' is no fingerprint: 64 hex digits"),
        (("merge", A, "--into", B, "--project", "q"), "there is no project 'q'"),
        (("unmerge", A, "--project", "p"), f"{A} was not merged into another group"),
        (("list", "--project", "q"), "there is no project 'q'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(cli: Cli, project: str, arguments: tuple[str, ...], says: str) -> None:
    typed = '[[rules]]\nname = "a"\ntype = "x"\n'
    assert says in cli.run("grouping", *arguments, fails=True, typed=typed)


def test_groups_are_merged_listed_and_split_again(cli: Cli, project: str) -> None:
    def merge(*arguments: str) -> Any:
        return cli.json("grouping", "merge", *arguments, "--project", project, "--by", "Ada")

    assert merge(A, B, "--into", C) == {"head": C, "members": [C, A, B]}
    assert merge(A, "--into", C)["members"] == [C, A, B], "they are one already"
    assert merge(B, "--into", D) == {"head": D, "members": [D, A, B, C]}, "a fingerprint stands for its group"
    listed = cli.json("grouping", "list", "--project", project)["merges"]
    assert [(each["fingerprint"], each["into_fingerprint"], each["head"]) for each in listed] == [
        (A, C, D),
        (B, C, D),
        (C, D, D),
    ]
    assert "Ada" in cli.run("grouping", "list", "--project", project)
    assert "unmerge what was merged into it" in cli.run("grouping", "unmerge", D, "--project", project, fails=True)
    assert cli.json("grouping", "unmerge", C, "--project", project) == {"head": C, "members": [C, A, B]}
    assert cli.json("grouping", "unmerge", A, "--project", project) == {"head": A, "members": [A]}
    assert "are one group" in cli.run("grouping", "merge", A, "--into", D, "--project", project)


@pytest.fixture
def store(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        yield made


def test_the_trial_counts_who_would_move_and_changes_nothing(
    cli: Cli, project: str, rules: str, store: Store, tmp_path: Path
) -> None:
    said = [f"query {n} timed out" for n in range(5)] + ["sold out"] * 3
    kinds = ["deeptracer.errors", "proliferate.errors"]
    now = time.time_ns() // 1000
    for kind in kinds:
        prefix = "" if kind == kinds[0] else "QueryError: "
        store.add_errors(
            *(
                {
                    "fingerprint": fingerprint(CURRENT, prefix + text, "").hash,
                    "fingerprint_version": CURRENT,
                    "format": kind,
                    "type": "QueryError",
                    "error_message": text,
                    "received_at": now - 3_600_000_000,
                    "project_id": project,
                }
                for text in said
            )
        )
    old = {"error_message": "timed out", "received_at": now - 3 * 86_400_000_000, "fingerprint_version": CURRENT}
    store.add_errors(old, old | {"project_id": "q", "received_at": now})
    before = store.clickhouse.query("SELECT * FROM errors ORDER BY _offset")

    asked = ("grouping", "rules", "test", rules, "--project", project)
    shown = cli.run(*asked, "--json", SLUICE_CLICKHOUSE_READ_URL=store.url)
    found = json.loads(shown)
    assert (found["looked_at"], found["moved"], found["is_cut"]) == (16, 10, False)
    assert (found["groups_now"], found["groups_then"]) == (4, 3)
    target = fingerprint(CURRENT, "timed out", "", Rules(0, read_rules(TIMEOUTS))).hash
    assert {(move["errors"], move["target"], move["rule"]) for move in found["moves"]} == {(5, target, "timeouts")}
    table = cli.run(*asked, SLUICE_CLICKHOUSE_READ_URL=store.url)
    assert "16 errors of the last 1 day, 0:00:00: 10 would move; 4 groups would be 3" in table
    assert "QueryError: query" in table
    assert "0 would move" in cli.run(*asked, "--last", "30m", SLUICE_CLICKHOUSE_READ_URL=store.url)
    assert store.clickhouse.query("SELECT * FROM errors ORDER BY _offset") == before
