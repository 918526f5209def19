"""`sluice user` as people and programs call it, on real Postgres."""

import json
from typing import Any

import pytest

from shared.clients.postgres import connect
from shared.keys import hash_key
from shared.passwords import fits
from tests.integration.shared.cli import Cli

PASSWORD = "correct horse battery"


def told(cli: Cli, *arguments: str, typed: str | None = None) -> Any:
    return json.loads(cli.run(*arguments, "--json", typed=typed))


def password_of(cli: Cli, name: str) -> str | None:
    with connect(cli.postgres_url) as db:
        row = db.execute("SELECT password FROM users WHERE name = %s", [name]).fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]  # a row of one column


def test_a_users_life(cli: Cli) -> None:
    cli.json("project", "create", "P", "--id", "p")
    made = told(cli, "user", "create", "ann", "--project", "p", "--role", "member", typed=f"{PASSWORD}\n")
    assert made == {"name": "ann", "link": None}
    assert fits(password_of(cli, "ann"), PASSWORD)
    (listed,) = cli.json("user", "list")["users"]
    assert (listed["name"], listed["roles"], listed["has_password"]) == ("ann", {"p": "member"}, True)
    told(cli, "user", "password", "ANN", typed="another one entirely")
    assert fits(password_of(cli, "ann"), "another one entirely")
    told(cli, "user", "grant", "ann", "--project", "p", "--role", "owner")
    assert cli.json("user", "list")["users"][0]["roles"] == {"p": "owner"}
    told(cli, "user", "grant", "ann", "--project", "p", "--role", "none")
    assert cli.json("user", "list")["users"][0]["roles"] == {}
    told(cli, "user", "disable", "ann")
    assert cli.json("user", "list")["users"][0]["disabled_at"] is not None
    assert "disabled since" in cli.run("user", "list")
    told(cli, "user", "enable", "ann")
    assert cli.json("user", "list")["users"][0]["disabled_at"] is None


def test_a_link_is_printed_once_and_stored_as_its_hash(cli: Cli) -> None:
    made = told(cli, "user", "create", "bob", "--link", "--url", "https://sluice.example/")
    address, _, token = made["link"].partition("?token=")
    assert address == "https://sluice.example/login/link"
    assert password_of(cli, "bob") is None
    printed = cli.run("user", "link", "bob")
    assert "http://127.0.0.1:8080/login/link?token=" in printed
    with connect(cli.postgres_url) as db:
        stored = str(db.execute("SELECT row_to_json(login_links)::text FROM login_links").fetchall())
    assert hash_key(token) in stored
    assert token not in stored


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (("create", "ann"), "short", "at least 10 characters"),
        (("create", " ann"), PASSWORD, "no spaces around it"),
        (("create", "x" * 65), PASSWORD, "1 to 64"),
        (("create", "ann", "--project", "nothing"), PASSWORD, "nothing"),
        (("password", "nobody"), PASSWORD, "no user 'nobody'"),
        (("disable", "nobody"), None, "no user 'nobody'"),
        (("link", "nobody"), None, "no user 'nobody'"),
        (("grant", "nobody", "--project", "p", "--role", "owner"), None, "no user 'nobody'"),
    ],
)
def test_what_can_not_be_done_is_said(cli: Cli, arguments: tuple[str, ...], typed: str | None, says: str) -> None:
    assert says in cli.run("user", *arguments, fails=True, typed=typed)
    assert cli.json("user", "list") == {"users": []}


def test_a_name_is_taken_in_any_case(cli: Cli) -> None:
    told(cli, "user", "create", "Ann", typed=PASSWORD)
    assert "already" in cli.run("user", "create", "ANN", fails=True, typed=PASSWORD)
