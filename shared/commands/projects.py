"""`sluice project`."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from shared.commands.common import (
    AsJson,
    DataDir,
    database,
    fail,
    limit_text,
    print_json,
    settings_beside,
    tell_gateways,
    wide_console,
)
from shared.projects import (
    Project,
    create_project,
    get_project,
    list_projects,
    new_project_id,
    update_project,
)
from shared.signals.base import RETENTION_DAYS

project = typer.Typer(help="Projects: create, list, show and update them.", no_args_is_help=True)

_DAYS = ", ".join(map(str, RETENTION_DAYS))
Retention = Annotated[int | None, typer.Option("--retention-days", help=f"Days that rows are kept: {_DAYS}")]
RateLimit = Annotated[
    int | None,
    typer.Option(
        "--rate-limit",
        min=0,
        help="Ingest requests a minute of each key without a limit of its own, and drains a minute; 0: no limit",
    ),
]
DrainLimit = Annotated[
    int | None, typer.Option("--drain-limit", min=0, help="Drain requests a minute, if another limit; 0: no limit")
]
DrainSecret = Annotated[
    str | None, typer.Option("--drain-secret", help="Drains must be signed with it; empty: they need not be")
]
DrainVerify = Annotated[
    str | None, typer.Option("--drain-verify", help="Answered to Vercel as x-vercel-verify; empty: none")
]


@project.command()
def create(
    name: Annotated[str, typer.Argument(help="Display name")],
    project_id: Annotated[str | None, typer.Option("--id", help="Its id; left out: made of the name")] = None,
    retention_days: Retention = None,
    rate_limit: RateLimit = None,
    drain_limit: DrainLimit = None,
    drain_secret: DrainSecret = None,
    drain_verify: DrainVerify = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Create a project and print its id."""
    if not name.strip():
        fail("a project needs a name")
    made = Project(
        id=project_id or new_project_id(name),
        name=name,
        retention_days=30 if retention_days is None else retention_days,
        rate_limit=rate_limit,
        drain_secret=drain_secret or None,
        drain_verify=drain_verify or None,
        drain_limit=drain_limit,
    )
    with database(settings_beside(data_dir)) as db:
        if not create_project(db, made):
            fail(f"there is a project {made.id!r} already")
    _show(made, as_json)


@project.command("list")
def list_all(as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """List all projects."""
    with database(settings_beside(data_dir)) as db:
        found = list_projects(db)
    if as_json:
        print_json({"projects": [_public(one) for one in found]})
        return
    table = Table("id", "name", "retention", "rate limit", "drain limit", "drains signed")
    for one in found:
        table.add_row(
            escape(one.id),
            escape(one.name),
            f"{one.retention_days} days",
            limit_text(one.rate_limit),
            limit_text(_drain_limit(one), "none"),
            "yes" if one.drain_secret else "no",
        )
    wide_console().print(table)


@project.command()
def show(
    project_id: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False, data_dir: DataDir = Path("var")
) -> None:
    """Show a project's rules; its drain secret is not shown."""
    with database(settings_beside(data_dir)) as db:
        found = get_project(db, project_id)
    _show(found, as_json)


@project.command()
def update(
    project_id: Annotated[str, typer.Argument(metavar="ID")],
    name: Annotated[str | None, typer.Option("--name", help="Display name")] = None,
    retention_days: Retention = None,
    rate_limit: RateLimit = None,
    drain_limit: DrainLimit = None,
    drain_secret: DrainSecret = None,
    drain_verify: DrainVerify = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Change what is given and leave the rest; gateways know within a second. Rows already taken in keep theirs."""
    given: dict[str, Any] = {
        "name": name,
        "retention_days": retention_days,
        "rate_limit": rate_limit,
        "drain_limit": drain_limit,
        "drain_secret": drain_secret,
        "drain_verify": drain_verify,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    for field in ("drain_secret", "drain_verify"):
        if field in changes:
            changes[field] = changes[field] or None
    settings = settings_beside(data_dir)
    with database(settings) as db:
        changed = msgspec.structs.replace(get_project(db, project_id), **changes)
        hashes = update_project(db, changed)
    tell_gateways(settings, hashes)
    _show(changed, as_json)


def _show(one: Project, as_json: bool) -> None:
    if as_json:
        print_json(_public(one))
        return
    table = Table(show_header=False)
    table.add_row("id", escape(one.id))
    table.add_row("name", escape(one.name))
    table.add_row("retention", f"{one.retention_days} days")
    table.add_row("rate limit", limit_text(one.rate_limit))
    table.add_row("drain limit", limit_text(_drain_limit(one), "none"))
    table.add_row("drain secret", "set" if one.drain_secret else "none")
    table.add_row("drain verify", escape(one.drain_verify or "none"))
    wide_console().print(table)


def _drain_limit(one: Project) -> int | None:
    return one.rate_limit if one.drain_limit is None else one.drain_limit


def _public(one: Project) -> dict[str, Any]:
    """All but the drain secret: only whether there is one."""
    fields = msgspec.structs.asdict(one)
    fields["drain_secret_set"] = fields.pop("drain_secret") is not None
    return fields
