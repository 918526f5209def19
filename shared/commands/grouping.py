"""`sluice grouping`: how people overrule the groups of errors. Rules decide of new errors, merges of groups."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.clients.postgres import Connection
from shared.commands.common import (
    AsJson,
    By,
    DataDir,
    ProjectId,
    database,
    fail,
    person,
    print_json,
    settings_beside,
    tell_gateways,
    time_text,
    wide_console,
)
from shared.commands.grouping_rules import rules
from shared.group_merges import MERGES, BadMerge, list_merges, merge_groups, unmerge_group

grouping = typer.Typer(help="Overrule how errors are grouped: rules, merged groups.", no_args_is_help=True)
grouping.add_typer(rules, name="rules")

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_META = "FINGERPRINT"


@grouping.command()
def merge(
    fingerprints: Annotated[list[str], typer.Argument(metavar=f"{_META}...", help="Each stands for its whole group")],
    into: Annotated[str, typer.Option("--into", metavar=_META, help="The group that they become part of")],
    project: ProjectId,
    by: By = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Make groups one; readers see it within a second. Rows stay as they are, and `unmerge` takes it back."""
    sent, target, name = [_hex(each) for each in fingerprints], _hex(into), person(by)
    members = _change(data_dir, project, lambda db: merge_groups(db, project, sent, target, by=name))
    _print_group(members, as_json, "are one group, which goes by the first")


@grouping.command()
def unmerge(
    fingerprint: Annotated[str, typer.Argument(metavar=_META, help="One that was merged into another")],
    project: ProjectId,
    by: By = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Take a merge back: the group is again what it was before, and so is the one that it was merged into."""
    sent, name = _hex(fingerprint), person(by)
    members = _change(data_dir, project, lambda db: unmerge_group(db, project, sent, by=name))
    _print_group(members, as_json, "are a group of their own again")


@grouping.command("list")
def list_all(project: ProjectId, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """List the merges of a project, the oldest first, each with the fingerprint that its group goes by now."""
    with database(settings_beside(data_dir)) as db:
        found = list_merges(db, project)
    if as_json:
        print_json({"merges": found})
        return
    table = Table("fingerprint", "merged into", "goes by", "by", "at")
    for each in found:
        head = "the same" if each.head == each.into_fingerprint else each.head
        by, at = escape(each.merged_by), time_text(each.merged_at)
        table.add_row(each.fingerprint, each.into_fingerprint, head, by, at)
    wide_console().print(table)


def _change(data_dir: Path, project: str, change: Callable[[Connection], list[str]]) -> list[str]:
    """Change the merges of a project, and tell the gateways."""
    settings = settings_beside(data_dir)
    with database(settings, BadMerge) as db:
        members = change(db)
    tell_gateways(settings, [project], MERGES)
    return members


def _print_group(members: list[str], as_json: bool, sentence: str) -> None:
    if as_json:
        print_json({"head": members[0], "members": members})
        return
    Console().print(f"[green]✓[/green] these {len(members)} {sentence}:", highlight=False)
    for each in members:
        Console().print(f"  {each}", highlight=False)


def _hex(text: str) -> str:
    """The fingerprint; ends the command unless it is one."""
    if _FINGERPRINT.fullmatch(text) is None:
        fail(f"{text!r} is no fingerprint: 64 hex digits, in lower case")
    return text
