"""`sluice audit-log`."""

from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from shared.audit import ACTIONS, ALL, KINDS
from shared.audit_log import Entry, Wanted, list_entries
from shared.commands.common import AsJson, DataDir, database, fail, print_json, settings_beside, wide_console
from shared.commands.visible import visible


def audit_log(
    project: Annotated[
        str | None, typer.Option("--project", metavar="ID", help="Only what concerns this one; left out: all of it")
    ] = None,
    action: Annotated[
        list[str] | None, typer.Option("--action", help="Only this, such as key.made, or key (repeatable)")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Show so many, the newest")] = 100,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Show who changed what, when, and from where, the newest last. Log-ins refused to strangers stand here alone."""
    if unknown := set(action or ()) - {*KINDS, *ACTIONS}:
        fail(f"there is no action {min(unknown)!r}; there are {', '.join(ACTIONS)}")
    with database(settings_beside(data_dir)) as db:
        found = list_entries(db, project, Wanted(actions=action or (), limit=limit))
    if as_json:
        print_json({"entries": found[::-1]})
        return
    table = Table("time, UTC", "who", "from", "project", "what", "of", "how")
    for entry in found[::-1]:
        table.add_row(*(escape(visible(cell)) for cell in _cells(entry)))
    wide_console().print(table)


def _cells(entry: Entry) -> tuple[str, ...]:
    who = f"{entry.actor or entry.actor_id} ({entry.actor_kind})".strip()
    project = "all" if entry.project_id == ALL else entry.project_id or ""
    at = f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return at, who, entry.address, project, entry.action, entry.subject, _said(entry.detail)


def _said(detail: dict[str, Any]) -> str:
    return msgspec.json.encode(detail).decode() if detail else ""
