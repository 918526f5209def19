"""How these commands begin and end: what they ask, which project, and the exit code."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import typer

from gateway.query.commands.options import sentence_of
from gateway.query.complete import Complete, Completeness
from gateway.query.groups import Groups
from gateway.query.reader import Cramped, Reader, TooBig
from gateway.query.refusals import BadQuery
from gateway.rejections import NotFound, Unavailable
from shared import logging_setup, registry
from shared.clients.clickhouse import ServerError
from shared.clients.postgres import Postgres, PostgresUnavailable, connect
from shared.clock import clock
from shared.commands.common import sentences, settings_beside
from shared.error_states import States
from shared.projects import UnknownProject, list_projects
from shared.queue import open_queue
from shared.queue.base import Queue
from shared.settings import Settings

NOTHING, FAILED, INTERRUPTED, UNREAD = 1, 2, 130, 141
"""Exit codes as `grep` has them: nothing was found; it could not be found out. The last two are what a shell says of a
program that Ctrl-C ended, or that wrote to a pipe which nobody reads."""


_TIMED_OUT = 159
"""ClickHouse's number of it."""


class NoAnswer(Exception):
    """A question that can't be answered; says what to do."""


@dataclass(frozen=True)
class Session:
    """What the questions of a command are asked of, and about which project."""

    project_id: str
    settings: Settings
    reader: Reader
    postgres: Postgres
    groups: Groups
    queue: Queue
    completeness: dict[str, Completeness] = field(default_factory=dict)

    @property
    def states(self) -> States:
        """What people have said of groups of errors."""
        return States(self.postgres)

    async def complete(self, table: str) -> Complete:
        """How far a table is complete. To be asked before the table is."""
        if table not in self.completeness:
            self.completeness[table] = self._completeness(table)
        return await self.completeness[table].now()

    def _completeness(self, table: str) -> Completeness:
        """Raises `BadExtension`."""
        known = registry.load(self.settings.services.extensions, self.settings.topics.prefix)
        topics = [signal.topic for signal in known.with_overflow if signal.table.name == table]
        now = clock(self.settings.services.clock_offset_s)
        return Completeness(self.queue, known.groups(self.settings.writer.group), topics, now)

    async def close(self) -> None:
        for each in self.completeness.values():
            await each.close()
        await self.reader.close()
        await self.queue.close()
        await self.postgres.close()


def ask(
    data_dir: Path, project: str | None, work: Callable[[Session], Awaitable[bool]], *, interrupted: int = INTERRUPTED
) -> NoReturn:
    """Run a command's work on an event loop of its own and end the command: with 0 if it found something, else with
    `NOTHING`. `interrupted`: the exit code after Ctrl-C."""
    logging_setup.configure("CRITICAL")  # what the reader logs is said in a sentence
    try:
        with sentences(UnknownProject, NoAnswer, registry.BadExtension, code=FAILED), refusals():
            settings = settings_beside(data_dir)
            found = asyncio.run(_run(settings, _project(settings, project), work))
    except KeyboardInterrupt:
        raise typer.Exit(interrupted) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what Python still wants to write when it ends
        raise typer.Exit(UNREAD) from None
    raise typer.Exit(0 if found else NOTHING)


@contextmanager
def refusals() -> Iterator[None]:
    """What a question raises, as exceptions whose texts are sentences for a terminal."""
    try:
        yield
    except BadQuery as refusal:
        raise NoAnswer(sentence_of(refusal)) from refusal
    except (TooBig, Cramped) as error:
        raise NoAnswer("too much to look at: choose a shorter range, or add a level or service") from error
    except NotFound as refusal:
        raise NoAnswer(refusal.sentence) from refusal
    except Unavailable as error:
        cause = error.__cause__
        if isinstance(cause, TimeoutError) or (isinstance(cause, ServerError) and cause.code == _TIMED_OUT):
            raise NoAnswer("ClickHouse did not answer in time: choose a shorter range, or try again") from error
        raise (cause or NoAnswer(str(error))) from error


async def _run(settings: Settings, project_id: str, work: Callable[[Session], Awaitable[bool]]) -> bool:
    reader = Reader(settings.clickhouse_read_url, timeout_s=settings.query.timeout_s, connections=1)
    postgres = Postgres(settings.services.postgres_url, connections=1)
    session = Session(project_id, settings, reader, postgres, Groups(postgres), open_queue(settings))
    try:
        return await work(session)
    finally:
        await session.close()


def _project(settings: Settings, wanted: str | None) -> str:
    """The project that is meant. Raises `UnknownProject`, `NoAnswer`, and what Postgres raises."""
    try:
        with connect(settings.services.postgres_url) as db:
            known = [each.id for each in list_projects(db)]
    except PostgresUnavailable:
        if wanted:  # logs can be read while Postgres is away
            return wanted
        raise
    if wanted:
        if wanted not in known:
            raise UnknownProject(f"there is no project {wanted!r}; there are: {', '.join(known) or 'none'}")
        return wanted
    if len(known) != 1:
        raise NoAnswer(f"say --project, there are: {', '.join(known)}" if known else "there is no project yet")
    return known[0]
