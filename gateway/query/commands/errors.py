"""`sluice errors`."""

from pathlib import Path
from time import time_ns
from typing import Annotated

import msgspec
import typer

from gateway.query.commands.group_rows import GroupRows
from gateway.query.commands.options import (
    AsJson,
    End,
    Last,
    Project,
    Query,
    Start,
    Wide,
    parameters,
    range_of,
    text_of,
)
from gateway.query.commands.session import Session, ask
from gateway.query.commands.table import Table
from gateway.query.commands.terminal import Terminal
from gateway.query.commands.told import incomplete, shown_from, span
from gateway.query.errors.fields import LANGUAGE
from gateway.query.errors.group import ErrorGroup
from gateway.query.errors.groups import MAX_GROUPS, SORTS, GroupsQuery, find_groups, parse_groups
from shared.commands.common import DataDir
from shared.commands.visible import json_line
from shared.error_states import STATUSES

USUAL_LAST = "24h"


def errors(
    query: Query = None,
    last: Last = None,
    start: Start = None,
    end: End = None,
    project: Project = None,
    sort: Annotated[str, typer.Option("--sort", metavar="BY", help=f"What comes first: {', '.join(SORTS)}")] = "last",
    status: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help=f"Only these: {','.join(STATUSES)}")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MAX_GROUPS, help="So many groups")] = 20,
    wide: Wide = False,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """List the groups of errors of the last day; every number counts only what the query finds. Exit code 0: there are
    some, 1: there are none, 2: it could not be found out."""
    terminal = Terminal()

    async def run(session: Session) -> bool:
        range = range_of(start, end, last, USUAL_LAST, time_ns() // 1000)
        asked = parse_groups(parameters(range, q=text_of(query), sort=sort, limit=str(limit), status=status or ""))
        for hint in asked.asked.hints:
            terminal.say(hint, "hint")
        complete = await session.complete(LANGUAGE.table)
        found = await find_groups(session.groups, session.states, session.reader, session.project_id, asked)
        _print(terminal, asked, found.groups, wide=wide, as_json=as_json)
        if not found.groups:
            terminal.say(f"no errors {span(range)}")
        elif found.next is not None:
            terminal.say(f"these are the first {len(found.groups)}; there are more: --limit, at most {MAX_GROUPS}")
        if told := incomplete(complete, range):
            terminal.say(told, "note")
        return bool(found.groups)

    ask(data_dir, project, run)


def _print(terminal: Terminal, asked: GroupsQuery, groups: list[ErrorGroup], *, wide: bool, as_json: bool) -> None:
    if as_json:
        terminal.write(json_line(msgspec.json.encode(group).decode()) for group in groups)
        return
    rows_of = GroupRows(terminal.width, shown_from(asked.asked.range), by_first=asked.sort == "first")
    table = Table(terminal, rows_of.columns, whole=wide)
    rows = [rows_of.row(group) for group in groups]
    if rows and terminal.width is not None:
        terminal.write([table.header(rows)])
    terminal.write(table.lines(rows))
