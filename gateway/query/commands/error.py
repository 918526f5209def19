"""`sluice error`."""

import re
from pathlib import Path
from time import time_ns
from typing import Annotated

import msgspec
import typer

from gateway.mapping.mapper import StoredMapper
from gateway.query.commands.error_page import print_error
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
from gateway.query.commands.session import NoAnswer, Session, ask
from gateway.query.commands.stack import Stack, find_stack
from gateway.query.commands.terminal import Terminal
from gateway.query.commands.told import incomplete, span
from gateway.query.errors.detail import ErrorDetail, find_group, parse_group
from gateway.query.errors.fields import LANGUAGE
from gateway.query.errors.groups import find_groups, parse_groups
from gateway.query.groups import COLUMN
from gateway.query.range import Range
from gateway.query.refusals import GroupNotFound
from shared.commands.common import DataDir
from shared.commands.visible import json_line
from shared.sourcemaps.blobs import open_blobs
from shared.sourcemaps.index import Index

USUAL_LAST = "7d"

_BEGINNING = re.compile(r"[0-9a-f]{4,63}")
"""Of a fingerprint."""


def error(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="As sluice errors shows it: how it begins is enough")],
    query: Query = None,
    last: Last = None,
    start: Start = None,
    end: End = None,
    project: Project = None,
    wide: Wide = False,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Show one group of errors: since when, how many, whom and where of the last 7 days, and the newest stack. Exit
    code 0: there is such a group, 1: there is none, 2: it could not be found out."""
    terminal = Terminal()

    async def run(session: Session) -> bool:
        try:
            return await show(session)
        except GroupNotFound as refusal:
            terminal.say(f"{refusal.sentence}: {group}")
            return False

    async def show(session: Session) -> bool:
        range = range_of(start, end, last, USUAL_LAST, time_ns() // 1000)
        head = await _head_of(session, group, range)
        if head is None:
            terminal.say(f"no group of errors {span(range)} begins with {group}; look further back with --last")
            return False
        asked = parse_group(parameters(range, {COLUMN: head}, q=text_of(query)))
        for hint in asked.asked.hints:
            terminal.say(hint, "hint")
        complete = await session.complete(LANGUAGE.table)
        found = await find_group(session.groups, session.states, session.reader, session.project_id, asked)
        if as_json:
            terminal.write([json_line(msgspec.json.encode(found).decode(errors="replace"))])
        else:
            stack = await _stack(session, found)
            print_error(terminal, found, range, stack.text, whole=wide)
            for reason in stack.why_not if wide else ():
                terminal.say(reason, "note")
        if told := incomplete(complete, range):
            terminal.say(told, "note")
        return True

    ask(data_dir, project, run)


async def _head_of(session: Session, text: str, range: Range) -> str | None:
    """The fingerprint of the one group in the range that a text begins; None for none. Raises `NoAnswer` for several
    of them, and what `find_groups` raises."""
    if not _BEGINNING.fullmatch(text):
        return text
    asked = parse_groups(parameters(range, q=f"{COLUMN}:{text}*"))
    found = await find_groups(session.groups, session.states, session.reader, session.project_id, asked)
    merged = (await session.groups.of(session.project_id)).merged_heads(text)
    heads = merged | {group.fingerprint for group in found.groups}
    if len(heads) > 1:
        raise NoAnswer(f"several groups begin with {text}: {', '.join(sorted(heads))}")
    return next(iter(heads), None)


async def _stack(session: Session, found: ErrorDetail) -> Stack:
    """Of its newest error."""
    if found.newest is None:
        return Stack("", [])
    mapper = StoredMapper(Index(session.postgres), open_blobs(session.settings))
    try:
        return await find_stack(session.reader, mapper, session.project_id, found.newest.event_id)
    finally:
        await mapper.close()
