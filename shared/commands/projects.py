"""`sluice project`."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from shared.commands.common import (
    MOST,
    AsJson,
    DataDir,
    database,
    fail,
    from_file,
    header_text,
    limit_text,
    one_line,
    print_json,
    settings_beside,
    tell_gateways,
    wide_console,
)
from shared.projects import (
    Project,
    create_project,
    get_project,
    is_project_id,
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
        max=MOST,
        help="Ingest requests a minute of each key without a limit of its own, and drains a minute; 0: no limit",
    ),
]
DrainLimit = Annotated[
    int | None,
    typer.Option("--drain-limit", min=0, max=MOST, help="Drain requests a minute, if another limit; 0: no limit"),
]
LaneRecords = Annotated[
    int | None,
    typer.Option(
        "--lane-records", min=0, max=MOST, help="Records a second above which it takes the overflow topics; 0: never"
    ),
]
DrainSecret = Annotated[
    str | None, typer.Option("--drain-secret", help="Drains must be signed with it; empty: they need not be")
]
DrainVerify = Annotated[
    str | None, typer.Option("--drain-verify", help="Answered to Vercel as x-vercel-verify; empty: none")
]
_IN_A_FILE = "The same out of a file, so that no list of processes shows it; - asks for it, or reads standard input"
DrainSecretFile = Annotated[Path | None, typer.Option("--drain-secret-file", help=_IN_A_FILE)]
DrainVerifyFile = Annotated[Path | None, typer.Option("--drain-verify-file", help=_IN_A_FILE)]


@project.command()
def create(
    name: Annotated[str, typer.Argument(help="Display name")],
    project_id: Annotated[str | None, typer.Option("--id", help="Its id; left out: made of the name")] = None,
    retention_days: Retention = None,
    rate_limit: RateLimit = None,
    drain_limit: DrainLimit = None,
    lane_records: LaneRecords = None,
    drain_secret: DrainSecret = None,
    drain_verify: DrainVerify = None,
    drain_secret_file: DrainSecretFile = None,
    drain_verify_file: DrainVerifyFile = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Create a project and print its id."""
    if project_id is not None and not is_project_id(project_id):
        fail(f"{project_id!r} is no id: 1 to 64 letters (A-Z, a-z), digits, _ and -")
    made = Project(
        id=project_id or new_project_id(name),
        name=_name(name),
        retention_days=30 if retention_days is None else retention_days,
        rate_limit=rate_limit,
        drain_secret=_secret(drain_secret, drain_secret_file) or None,
        drain_verify=_verify(drain_verify, drain_verify_file) or None,
        drain_limit=drain_limit,
        lane_records_s=lane_records,
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
    lane_records: LaneRecords = None,
    drain_secret: DrainSecret = None,
    drain_verify: DrainVerify = None,
    drain_secret_file: DrainSecretFile = None,
    drain_verify_file: DrainVerifyFile = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Change what is given and leave the rest; gateways know within a second. Rows already taken in keep theirs."""
    given: dict[str, Any] = {
        "name": None if name is None else _name(name),
        "retention_days": retention_days,
        "rate_limit": rate_limit,
        "drain_limit": drain_limit,
        "lane_records_s": lane_records,
        "drain_secret": _secret(drain_secret, drain_secret_file),
        "drain_verify": _verify(drain_verify, drain_verify_file),
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


def _name(text: str) -> str:
    if not text.strip():
        fail("a project needs a name")
    return one_line(text, "a name")


def _secret(text: str | None, file: Path | None) -> str | None:
    """What drains are signed with, given or out of a file."""
    given = _given(text, file, "the drain secret")
    return None if given is None else one_line(given, "the drain secret")


def _verify(text: str | None, file: Path | None) -> str | None:
    """What is answered to Vercel, given or out of a file."""
    given = _given(text, file, "the drain's code")
    return None if given is None else header_text(given, "the drain's code")


def _given(text: str | None, file: Path | None, what: str) -> str | None:
    if text is not None and file is not None:
        fail(f"{what} is given twice")
    return text if file is None else from_file(file, what)


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
    table.add_row("overflows above", limit_text(one.lane_records_s) + " records a second")
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
