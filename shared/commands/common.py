"""How every command begins and ends: with the settings of one Sluice, and with a sentence when something is wrong.

What only some commands need is imported where they need it: loading a driver takes longer than most commands do.
"""

import asyncio
import os
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from shared import settings as all_settings
from shared.audit import account
from shared.clients.errors import ClickHouseError, RedisUnavailable, ServerError
from shared.clients.postgres import Connection, LockHeld, PostgresUnavailable, QueryRefused, connect
from shared.commands.visible import visible_lines
from shared.durations import parse_duration
from shared.keys import REVOCATIONS
from shared.projects import MAX_HEADER, UnknownProject, is_header_text
from shared.queue import open_queue
from shared.queue.base import Queue, QueueError
from shared.secret import AnyUrl
from shared.settings import BadSetting, Settings

DataDir = Annotated[
    Path,
    typer.Option(
        help="Folder given to sluice up: its env file is read for what the environment leaves out",
        envvar="SLUICE_DATA_DIR",
    ),
]
ProjectId = Annotated[str, typer.Option("--project", metavar="ID", help="The project whose errors they are")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; left out: the name of this account")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs")]

MOST = 2**31 - 1
"""The largest number that Postgres keeps for a limit."""

T = TypeVar("T")


def settings_beside(data_dir: Path) -> Settings:
    """The environment's settings, and for what it doesn't name those of the stack that runs on the folder."""
    return all_settings.load(environment_beside(data_dir))


def environment_beside(data_dir: Path) -> dict[str, str]:
    """The environment, and for what it doesn't name what the stack that runs on the folder says of itself."""
    ours = {name: value for name, value in os.environ.items() if value}
    return {name: value for name, value in _env_file(data_dir / "env").items() if f"{name}_FILE" not in ours} | ours


def _env_file(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


@contextmanager
def sentences(*own: type[Exception], code: int = 1) -> Iterator[None]:
    """Ends the command with a sentence and this exit code when a neighbour is away, refuses, or lacks its migrations.

    `own`: exceptions of the command's own whose texts are such sentences.
    """
    speaking: tuple[type[Exception], ...] = (BadSetting, LockHeld, *own)
    try:
        yield
    except speaking as error:
        fail(str(error), code)
    except PostgresUnavailable as error:
        fail(f"Postgres can't be reached: {error}", code)
    except QueryRefused as error:
        fail(f"Postgres refused (has sluice migrate run?): {error}", code)
    except ServerError as error:
        fail(f"ClickHouse refused (has sluice migrate run?): {error}", code)
    except ClickHouseError as error:
        fail(f"ClickHouse can't be reached: {error}", code)
    except QueueError as error:
        fail(f"the queue can't be used: {error}", code)


@contextmanager
def database(settings: Settings, *own: type[Exception]) -> Iterator[Connection]:
    """One transaction in Postgres, and `sentences` for what may go wrong in it."""
    with sentences(UnknownProject, ValueError, *own), connect(settings.services.postgres_url) as db:
        yield db


def with_queue(settings: Settings, ask: Callable[[Queue], Awaitable[T]]) -> T:
    """Run what needs the queue on an event loop of its own; the queue is closed afterwards."""

    async def run() -> T:
        queue = open_queue(settings)
        try:
            return await ask(queue)
        finally:
            await queue.close()

    return asyncio.run(run())


def quiet() -> None:
    """Log errors only: the drivers' warnings repeat the command's sentence, less clearly."""
    from shared import logging_setup

    logging_setup.configure("ERROR")


def tell_gateways(settings: Settings, changed: Sequence[str], channel: str = REVOCATIONS) -> None:
    """Have every gateway ask for these again, now: hashes of keys, or what else the channel is for. To be called after
    the change is committed."""
    try:
        asyncio.run(_publish(settings.services.redis_url, channel, changed))
    except RedisUnavailable:
        Console(stderr=True).print(
            "[yellow]Redis can't be reached:[/yellow] gateways notice within 30 seconds instead of one",
            soft_wrap=True,
            highlight=False,
        )


async def _publish(redis_url: AnyUrl, channel: str, changed: Sequence[str]) -> None:
    from shared.clients.redis import Redis

    redis = Redis(redis_url)
    try:
        for name in changed:
            await redis.publish(channel, name)
    finally:
        await redis.close()


def duration(text: str) -> timedelta:
    """`90s`, `30m`, `24h`, `7d`, or `0`. Raises `typer.BadParameter`."""
    try:
        return timedelta(0) if text == "0" else parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def one_line(text: str, what: str) -> str:
    """The text; ends the command if it has control characters, which make lists and headers unreadable."""
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        fail(f"{what} can't have control characters or lines")
    return text


def person(by: str | None) -> str:
    """The name of who does it."""
    if by is not None:
        return one_line(by, "a name")
    return account()


def header_text(text: str, what: str) -> str:
    """The text; ends the command unless it can be the value of a header."""
    if not is_header_text(text):
        fail(f"{what} must be printable ASCII, at most {MAX_HEADER} characters, without spaces around it")
    return text


def from_file(file: Path, what: str) -> str:
    """What is in a file, without the newline at its end; `-` is standard input, where people type without seeing it."""
    try:
        if str(file) != "-":
            text = file.read_text()
        elif sys.stdin.isatty():
            text = typer.prompt(what.capitalize(), hide_input=True, err=True)
        else:
            text = sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} can't be read: {error}")
    return str(text).removesuffix("\n").removesuffix("\r")


def fail(sentence: str, code: int = 1) -> NoReturn:
    """A server's error may repeat what strangers wrote."""
    shown = escape("\n".join(visible_lines(sentence.strip())))
    Console(stderr=True).print(f"[red]not done:[/red] {shown}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def wide_console() -> Console:
    """For tables: a pipe has no width, and ids must stay whole in it."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200)


def print_json(value: Any) -> None:
    """One line on standard output, times as ISO 8601."""
    typer.echo(msgspec.json.encode(value))


def time_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M UTC}"


def limit_text(limit: int | None, when_none: str = "default") -> str:
    if limit is None:
        return when_none
    return f"{limit}/min" if limit else "none"
