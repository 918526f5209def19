"""`sluice logs`."""

from pathlib import Path
from time import time_ns
from typing import Annotated

import typer

from gateway.query.commands.log_output import LogOutput
from gateway.query.commands.log_search import LogSearch, log_search, parts_of
from gateway.query.commands.options import AsJson, End, Last, Project, Query, Start, Wide, range_of, text_of
from gateway.query.commands.session import Session, ask
from gateway.query.commands.terminal import Terminal
from gateway.query.commands.told import incomplete, of_rows, span, until
from gateway.query.logs.fields import LANGUAGE
from shared.commands.common import DataDir

MOST = 1_000_000
"""Logs that one call prints."""

USUAL_LAST, USUAL_COLUMNS = "1h", "service"


def logs(
    query: Query = None,
    last: Last = None,
    start: Start = None,
    end: End = None,
    project: Project = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="The newest so many")] = 100,
    columns: Annotated[
        str, typer.Option("--columns", metavar="NAMES", help="Before the message: service,user_id,attr.key")
    ] = USUAL_COLUMNS,
    newest_first: Annotated[bool, typer.Option("--newest-first", help="Print what is found as it is found")] = False,
    wide: Wide = False,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Search logs, those of the last hour unless told otherwise; the newest are the last ones. Exit code 0: there are
    some, 1: there are none, 2: it could not be found out."""
    terminal = Terminal()

    async def run(session: Session) -> bool:
        range = range_of(start, end, last, USUAL_LAST, time_ns() // 1000)
        search = log_search(range, text_of(query), columns, limit)
        output = LogOutput(terminal, search, newest_first=newest_first, whole=wide, as_json=as_json)
        return await _find(session, search, output, terminal)

    ask(data_dir, project, run)


async def _find(session: Session, search: LogSearch, output: LogOutput, terminal: Terminal) -> bool:
    """Print what is found, and on standard error what there is to say; whether anything was."""
    for hint in search.query.hints:
        terminal.say(hint, "hint")
    complete = await session.complete(LANGUAGE.table)
    n, more, rows = 0, False, 0
    try:
        async for part in parts_of(session.reader, session.project_id, search):
            output.add(part.logs)
            n, more, rows = n + len(part.logs), part.more, part.rows
            if not part.is_last:
                terminal.progress(f"searched back to {until(part.to, search.range)}, {of_rows(part.rows, part.of)}")
    finally:
        output.finish()  # after Ctrl-C too: what was found by then
    if not n:
        terminal.say(f"no logs {span(search.range)}, {rows:,} rows searched")
    elif more:
        terminal.say(f"these are the newest {n:,}; there are more: --limit {10 * n}")
    if told := incomplete(complete, search.range):
        terminal.say(told, "note")
    return n > 0
