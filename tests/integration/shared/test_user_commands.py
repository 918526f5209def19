"""`sluice user` as people and programs call it, on real Postgres."""

import json
from typing import Any

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
    told(cli, "user", "disable", "ann")
    assert "disabled since" in cli.run("user", "list")
    assert "no user 'nobody'" in cli.run("user", "disable", "nobody", fails=True)


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
