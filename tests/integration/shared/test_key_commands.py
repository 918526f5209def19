"""`sluice project` and `sluice key` as people and programs call them, on real Postgres and Redis."""

import json
from pathlib import Path

import pytest

from shared.clients.postgres import Postgres, connect
from shared.keys import find_key, hash_key
from tests.integration.shared.cli import Cli, ProcessCli
from tests.integration.stack import running_stack, wait_until


def test_a_project_is_made_listed_shown_and_changed(cli: Cli) -> None:
    made = cli.json(
        *("project", "create", "My Shop", "--retention-days", "90", "--rate-limit", "100"),
        *("--lane-records", "500"),
        *("--drain-secret", "hush-hush", "--drain-verify", "abc"),
    )
    assert made["id"].startswith("my-shop-")
    assert made == {
        "id": made["id"],
        "name": "My Shop",
        "retention_days": 90,
        "rate_limit": 100,
        "drain_verify": "abc",
        "drain_limit": None,
        "lane_records_s": 500,
        "drain_secret_set": True,
    }
    assert cli.json("project", "show", made["id"]) == made
    assert cli.json("project", "list") == {"projects": [made]}
    for shown in (cli.run("project", "list"), cli.run("project", "show", made["id"])):
        assert made["id"] in shown
        assert "hush-hush" not in shown
    changed = cli.json("project", "update", made["id"], "--retention-days", "7", "--drain-secret", "")
    assert changed == made | {"retention_days": 7, "drain_secret_set": False}
    assert cli.json("project", "show", made["id"]) == changed


async def test_a_key_is_printed_once_and_stored_as_its_hash(cli: Cli) -> None:
    project = cli.json("project", "create", "P", "--id", "p")
    made = cli.json(
        *("key", "create", "--project", "p", "--kind", "pk", "--scope", "ingest", "--scope", "read"),
        *("--origin", "https://app.example.com", "--origin", "https://*.example.org", "--rate-limit", "7"),
    )
    assert (project["id"], made["project_id"]) == ("p", "p")
    assert made["key"].startswith("pk_")
    assert (made["dsn"], cli.run("key", "dsn", made["key"], "--url", "https://logs.example.com/x/").strip()) == (
        None,
        f"https://{made['key']}@logs.example.com/x/1",
    )
    postgres = Postgres(cli.postgres_url)
    found = await find_key(postgres, hash_key(made["key"]))
    await postgres.close()
    assert found is not None
    assert found.key_id == made["id"]
    assert found.scopes == {"ingest", "read"}
    assert found.origins == ("https://app.example.com", "https://*.example.org")
    assert (found.ingest_limit, found.read_limit) == (7, 7)
    with connect(cli.postgres_url) as db:
        stored = str(db.execute("SELECT row_to_json(keys)::text FROM keys").fetchall())
    assert made["key"] not in stored
    assert hash_key(made["key"]) in stored
    (listed,) = cli.json("key", "list")["keys"]
    assert (listed["id"], listed["state"]) == (made["id"], "good")
    for shown in (cli.run("key", "list", "--project", "p"), json.dumps(listed)):
        assert made["id"] in shown
        assert made["key"] not in shown
        assert hash_key(made["key"]) not in shown


def test_a_key_for_people_is_limited_as_one_that_reads(cli: Cli) -> None:
    cli.json("project", "create", "P", "--id", "p")
    cli.json("key", "create", "--project", "p", "--scope", "triage", "--scope", "operate", "--rate-limit", "7")
    (listed,) = cli.json("key", "list")["keys"]
    assert (listed["scopes"], listed["ingest_limit"], listed["read_limit"]) == (["triage", "operate"], None, 7)
    assert "triage, operate" in cli.run("key", "list")
    told = cli.run("key", "create", "--project", "p", "--kind", "pk", "--scope", "triage", fails=True)
    assert "make a dt_ key" in " ".join(told.split())


def test_for_people_the_key_stands_on_a_line_of_its_own(cli: Cli) -> None:
    cli.run("project", "create", "P", "--id", "p")
    lines = cli.run("key", "create", "--project", "p").splitlines()
    assert [line for line in lines if line.startswith("dt_")] == [lines[-1]]


def test_a_rotated_key_keeps_its_rules_and_the_old_one_ends(cli: Cli) -> None:
    cli.run("project", "create", "P", "--id", "p")
    old = cli.json("key", "create", "--project", "p", "--kind", "pk", "--rate-limit", "5", "--origin", "https://a.b")
    new = cli.json("key", "rotate", old["id"], "--grace", "1h")
    assert new["key"] != old["key"]
    assert new["key"].startswith("pk_")
    first, second = cli.json("key", "list", "--project", "p")["keys"]
    assert (first["id"], second["id"]) == (old["id"], new["id"])
    assert first["state"].startswith("good until")
    assert second["state"] == "good"
    for rule in ("scopes", "origins", "ingest_limit", "read_limit", "project_id"):
        assert first[rule] == second[rule]
    assert cli.json("key", "revoke", new["id"]) == {"id": new["id"], "revoked": True}
    assert cli.json("key", "list")["keys"][1]["state"] == "revoked"
    assert "still good" in cli.run("key", "rotate", new["id"], fails=True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("key", "create", "--project", "none"), "there is no project 'none'"),
        (("key", "create", "--project", "p", "--origin", "app.example.com"), "is no origin"),
        (("key", "create", "--project", "p", "--origin", "https://a.b/path"), "is no origin"),
        (("key", "revoke", "key_none"), "there is no key 'key_none'"),
        (("key", "rotate", "key_none", "--grace", "soon"), "is no duration"),
        (("project", "create", "P", "--retention-days", "31"), "must be one of 7, 30, 90, 365, 3650"),
        (("project", "create", "P", "--id", "p"), "there is a project 'p' already"),
        (("project", "show", "none"), "there is no project 'none'"),
        (("project", "update", "none", "--rate-limit", "1"), "there is no project 'none'"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(cli: Cli, arguments: tuple[str, ...], sentence: str) -> None:
    cli.run("project", "create", "P", "--id", "p")
    said = cli.run(*arguments, fails=True)
    assert sentence in " ".join(said.split())
    assert "Traceback" not in said


def test_a_row_that_makes_no_key_is_named_and_the_others_are_listed(cli: Cli) -> None:
    """As a hand in the database may leave them."""
    cli.run("project", "create", "P", "--id", "p")
    nulls, nested, for_ever, ended, good = (cli.json("key", "create", "--project", "p")["id"] for _ in range(5))
    with connect(cli.postgres_url) as db:
        db.execute("UPDATE keys SET origins = '{NULL}' WHERE id = %s", [nulls])
        db.execute("UPDATE keys SET scopes = '{{ingest,read}}' WHERE id = %s", [nested])
        db.execute("UPDATE keys SET expires_at = 'infinity', created_at = '20000-01-01' WHERE id = %s", [for_ever])
        db.execute("UPDATE keys SET expires_at = '-infinity' WHERE id = %s", [ended])
    listed = cli.json("key", "list")
    assert {one["id"]: one["state"] for one in listed["keys"]} == {
        for_ever: "good until 9999-12-31 23:59 UTC",
        ended: "expired",
        good: "good",
    }
    assert {one["id"]: one["problem"] for one in listed["unreadable"]} == {
        nulls: "Expected `str`, got `null` - at `$.origins[0]`",
        nested: "Expected `str`, got `array` - at `$.scopes[0]`",
    }
    shown = cli.run("key", "list", COLUMNS="300")
    assert shown.count("can't be read: Expected `str`") == 2
    assert all(one in shown for one in (nulls, nested, for_ever, ended, good))
    said = cli.run("key", "rotate", nulls, fails=True)
    assert f"the row of {nulls} can't be read" in said
    assert "revoke it, and create another key" in said
    for one in (nulls, nested):
        assert cli.json("key", "revoke", one)["revoked"]


def test_a_secret_is_read_from_a_file_or_asked_for(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush hush\n")
    (tmp_path / "code").write_text("abc123\r\n")
    given = ("--drain-secret-file", "secret", "--drain-verify-file", "code")
    made = cli.json("project", "create", "P", "--id", "p", *given)
    assert (made["drain_secret_set"], made["drain_verify"]) == (True, "abc123")
    assert drain_secret(cli) == "hush hush"
    (tmp_path / "secret").write_text("new")
    cli.json("project", "update", "p", "--drain-secret-file", "secret")
    assert drain_secret(cli) == "new"
    cli.run("project", "update", "p", "--drain-secret-file", "-", typed="typed\n")
    assert drain_secret(cli) == "typed"
    for bad in (b"a\nb\n", b"\xff", b"a\0b"):
        (tmp_path / "secret").write_bytes(bad)
        said = cli.run("project", "update", "p", "--drain-secret-file", "secret", fails=True)
        assert "Traceback" not in said
    (tmp_path / "secret").write_text("")
    assert cli.json("project", "update", "p", "--drain-secret-file", "secret")["drain_secret_set"] is False


def drain_secret(cli: Cli) -> str:
    with connect(cli.postgres_url) as db:
        ((secret,),) = db.execute("SELECT drain_secret FROM projects").fetchall()
    return str(secret)


@pytest.mark.parametrize("project_id", ["a", "A-Z_09", "x" * 64, "-", "_"])
def test_an_id_of_letters_digits_underscores_and_dashes_is_one(cli: Cli, project_id: str) -> None:
    assert cli.json("project", "create", "P", "--id", project_id)["id"] == project_id


def test_origins_are_stored_as_browsers_send_them(cli: Cli) -> None:
    cli.run("project", "create", "P", "--id", "p")
    typed = ("HTTPS://App.Example.com:443/", "https://bücher.example", "null", "file://", "app://.", "app://./")
    made = cli.json("key", "create", "--project", "p", *(each for text in typed for each in ("--origin", text)))
    assert made["origins"] == ["https://app.example.com", "https://xn--bcher-kva.example", "null", "file://", "app://."]


def test_the_environment_comes_before_the_env_file(cli: Cli) -> None:
    said = cli.run("project", "list", fails=True, SLUICE_POSTGRES_URL="postgresql://postgres@127.0.0.1:1/none")
    assert "Postgres can't be reached" in said
    assert "Traceback" not in said


def test_with_redis_away_a_key_is_revoked_all_the_same(cli: Cli) -> None:
    cli.run("project", "create", "P", "--id", "p")
    made = cli.json("key", "create", "--project", "p")
    cli.run("key", "revoke", made["id"], SLUICE_REDIS_URL="redis://127.0.0.1:1/0")
    assert cli.json("key", "list")["keys"][0]["state"] == "revoked"


def test_a_database_that_was_not_migrated_is_said(cli: Cli) -> None:
    with connect(cli.postgres_url) as db:
        db.execute("DROP TABLE keys, projects CASCADE")
    assert "has sluice migrate run?" in cli.run("project", "list", fails=True)


def test_the_commands_work_beside_a_running_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with running_stack(tmp_path / "var", "--gateways", "2") as stack:
        cli = ProcessCli(stack.env["SLUICE_POSTGRES_URL"])
        project = cli.json("project", "create", "Beside", "--retention-days", "7")
        ingest = cli.json("key", "create", "--project", project["id"])
        read = cli.json("key", "create", "--project", project["id"], "--scope", "read")
        log = b'{"logs":[{"level":"info","message":"beside"}]}'

        def send() -> int:
            return stack.request("POST", "/ingest/logs", log, {"Authorization": f"Bearer {ingest['key']}"})[0]

        def stored() -> bool:
            path = f"/api/v1/projects/{project['id']}/logs"
            status, found = stack.request("GET", path, headers={"Authorization": f"Bearer {read['key']}"})
            assert status == 200
            return [row["message"] for row in found["logs"]] == ["beside"]

        assert send() == 200
        wait_until(stored, 60, "the log of the new project")
        cli.json("key", "revoke", ingest["id"])
        wait_until(lambda: all(send() == 401 for _ in range(20)), 10, "revoked in both gateways")
