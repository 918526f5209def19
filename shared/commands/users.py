"""`sluice user`."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.commands.common import (
    AsJson,
    DataDir,
    database,
    fail,
    from_file,
    print_json,
    settings_beside,
    time_text,
    wide_console,
)
from shared.passwords import BadPassword, hash_password
from shared.users import (
    Role,
    UnknownUser,
    User,
    create_user,
    disable,
    enable,
    grant,
    list_users,
    login_link,
    make_link,
    set_password,
)

user = typer.Typer(help="Users of the pages: create, list and disable them; their roles.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name that the user logs in with")]
Project = Annotated[str, typer.Option("--project", metavar="ID", help="The project")]
Url = Annotated[
    str,
    typer.Option("--url", help="Where the gateway is: what the link begins with", envvar="SLUICE_URL"),
]
_STANDARD_INPUT = Path("-")


class RoleChoice(StrEnum):
    VIEWER = "viewer"
    MEMBER = "member"
    OWNER = "owner"
    NONE = "none"


RoleOption = Annotated[
    RoleChoice,
    typer.Option("--role", help="viewer reads; member triages errors, too; owner operates it and changes settings"),
]


@user.command()
def create(
    name: Name,
    project: Annotated[str | None, typer.Option("--project", metavar="ID", help="A project for a first role")] = None,
    role: RoleOption = RoleChoice.VIEWER,
    link: Annotated[bool, typer.Option("--link", help="No password: print a one-time link instead")] = False,
    url: Url = "http://127.0.0.1:8080",
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Create a user. The password is asked for, or read from standard input: never from an argument."""
    hashed = None if link else _new_password()
    with database(settings_beside(data_dir), UnknownUser) as db:
        if not create_user(db, name, hashed):
            fail(f"there is a user {name!r} already")
        if project is not None:
            grant(db, name, project, _role(role))
        token = make_link(db, name) if link else None
    if as_json:
        print_json({"name": name, "link": token and login_link(url, token)})
        return
    Console().print(f"[green]✓[/green] user {escape(name)} is created", highlight=False)
    if token is not None:
        _print_link(url, token)


@user.command("list")
def list_all(as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """List users, their roles, and whether they can log in."""
    with database(settings_beside(data_dir)) as db:
        found = list_users(db)
    if as_json:
        print_json({"users": found})
        return
    table = Table("name", "roles", "created", "state")
    for one in found:
        roles = ", ".join(f"{project}: {role}" for project, role in sorted(one.roles.items()))
        table.add_row(escape(one.name), escape(roles) or "none", time_text(one.created_at), _state(one))
    wide_console().print(table)


@user.command("disable")
def disable_one(name: Name, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """End a user's sessions; no new one begins."""
    with database(settings_beside(data_dir), UnknownUser) as db:
        disable(db, name)
    _done(f"{name} is disabled, and logged out everywhere", {"name": name, "disabled": True}, as_json)


@user.command("enable")
def enable_one(name: Name, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """Let a disabled user log in again."""
    with database(settings_beside(data_dir), UnknownUser) as db:
        enable(db, name)
    _done(f"{name} can log in again", {"name": name, "disabled": False}, as_json)


@user.command()
def password(name: Name, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """Set a new password, asked for or read from standard input. The user is logged out everywhere."""
    hashed = _new_password()
    with database(settings_beside(data_dir), UnknownUser) as db:
        set_password(db, name, hashed)
    _done(f"{name} has a new password", {"name": name}, as_json)


@user.command("link")
def link_one(
    name: Name, url: Url = "http://127.0.0.1:8080", as_json: AsJson = False, data_dir: DataDir = Path("var")
) -> None:
    """Print a link that logs the user in, once, within 24 hours."""
    with database(settings_beside(data_dir), UnknownUser) as db:
        token = make_link(db, name)
    if as_json:
        print_json({"name": name, "link": login_link(url, token)})
    else:
        _print_link(url, token)


@user.command("grant")
def grant_one(
    name: Name, project: Project, role: RoleOption, as_json: AsJson = False, data_dir: DataDir = Path("var")
) -> None:
    """Give a user a role in a project, instead of the one that is there; `none` takes it away."""
    with database(settings_beside(data_dir), UnknownUser) as db:
        grant(db, name, project, _role(role))
    told = {"name": name, "project_id": project, "role": role.value}
    _done(f"{name} has the role {role.value} in {project}", told, as_json)


def _role(choice: RoleChoice) -> Role | None:
    return None if choice is RoleChoice.NONE else choice.value  # type: ignore[return-value]  # see RoleChoice


def _new_password() -> str:
    """The hash of a password that is typed or piped in; ends the command for a bad one."""
    try:
        return hash_password(from_file(_STANDARD_INPUT, "password"))
    except BadPassword as error:
        fail(str(error))


def _state(one: User) -> str:
    if one.disabled_at is not None:
        return f"disabled since {time_text(one.disabled_at)}"
    return "good" if one.has_password else "no password: sluice user link logs in"


def _print_link(url: str, token: str) -> None:
    console = Console()
    console.print("  It logs in once, within 24 hours:", highlight=False)
    console.print(escape(login_link(url, token)), highlight=False, soft_wrap=True)


def _done(sentence: str, told: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        Console().print(f"[green]✓[/green] {escape(sentence)}", highlight=False)
