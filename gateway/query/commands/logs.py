"""`sluice logs`."""

from pathlib import Path
from time import time_ns
from typing import Annotated, NamedTuple

import typer

from gateway.query.commands.log_follow import follow_logs
from gateway.query.commands.log_output import LogOutput
from gateway.query.commands.log_search import LogSearch, log_search, parts_of
from gateway.query.commands.options import AsJson, End, Last, Project, Query, Start, Wide, range_of, text_of
from gateway.query.commands.session import INTERRUPTED, Session, ask
from gateway.query.commands.terminal import Terminal
from gateway.query.commands.told import incomplete, of_rows, span, until
from gateway.query.complete import Complete
from gateway.query.logs.fields import LANGUAGE
from shared.commands.common import DataDir

MOST = 1_000_000
"""Logs that one call prints."""

USUAL, USUAL_BEFORE = 100, 10
"""Logs that are printed where no limit is given, and where others follow."""

USUAL_LAST, USUAL_COLUMNS = "1h", "service"


def logs(
    query: Query = None,
    last: Last = None,
    start: Start = None,
    end: End = None,
    project: Project = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, max=MOST, help="The newest so many: 100, before --follow 10")
    ] = None,
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
        search = log_search(range, text_of(query), columns, limit or (USUAL_BEFORE if follow else USUAL))
        output = LogOutput(terminal, search, newest_first=newest_first, whole=wide, as_json=as_json)
        for hint in search.query.hints:
            terminal.say(hint, "hint")
        complete = await session.complete(LANGUAGE.table)
        if follow:
            state = complete.as_of
            await _find(session, search.within(state), output, terminal)
            await follow_logs(session, search, state, output, terminal)
            return True
        found = await _find(session, search, output, terminal)
        _conclude(found, search, complete, terminal)
        return found.n > 0

    if follow and (end is not None or newest_first):
        raise typer.BadParameter("--follow goes on with what comes: leave out --end and --newest-first")
    ask(data_dir, project, run, interrupted=0 if follow else INTERRUPTED)


class _Found(NamedTuple):
    """How many logs were found, whether there are more, and how many rows were searched."""

    n: int
    more: bool
    rows: int


async def _find(session: Session, search: LogSearch, output: LogOutput, terminal: Terminal) -> _Found:
    """Print what is found."""
    found = _Found(0, False, 0)
    try:
        async for part in parts_of(session.reader, session.project_id, search):
            output.add(part.logs)
            found = _Found(found.n + len(part.logs), part.more, part.rows)
            if not part.is_last:
                terminal.progress(f"searched back to {until(part.to, search.range)}, {of_rows(part.rows, part.of)}")
    finally:
        output.finish()  # after Ctrl-C too: what was found by then
    return found


def _conclude(found: _Found, search: LogSearch, complete: Complete, terminal: Terminal) -> None:
    """What there is to say behind it."""
    if not found.n:
        terminal.say(f"no logs {span(search.range)}, {found.rows:,} rows searched")
    elif found.more:
        terminal.say(f"these are the newest {found.n:,}; there are more: --limit {10 * found.n}")
    if told := incomplete(complete, search.range):
        terminal.say(told, "note")
