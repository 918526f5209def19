"""Where a command finds the Sluice that it is for, and how it ends when it can't."""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from shared import settings as all_settings
from shared.clients.postgres import Connection, PostgresUnavailable, QueryRefused, connect
from shared.clients.redis import Redis, RedisUnavailable
from shared.keys import REVOCATIONS
from shared.projects import UnknownProject
from shared.settings import Settings

DataDir = Annotated[
    Path,
    typer.Option(
        help="Folder given to sluice up: its env file is read for what the environment leaves out",
        envvar="SLUICE_DATA_DIR",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs")]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def settings_beside(data_dir: Path) -> Settings:
    """The environment's settings, and for what it doesn't name those of the stack that runs on the folder."""
    named = {name: value for name, value in os.environ.items() if value}
    return all_settings.load(_env_file(data_dir / "env") | named)


def _env_file(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


@contextmanager
def database(settings: Settings) -> Iterator[Connection]:
    """One transaction; ends the command with a sentence when Postgres can't be used or what is asked for is wrong."""
    try:
        with connect(settings.services.postgres_url) as db:
            yield db
    except PostgresUnavailable as error:
        fail(f"Postgres can't be reached: {error}")
    except QueryRefused as error:
        fail(f"Postgres refused (has sluice migrate run?): {error}")
    except (UnknownProject, ValueError) as error:
        fail(str(error))


def tell_gateways(settings: Settings, hashes: Sequence[str]) -> None:
    """Have every gateway ask for these keys again, now. To be called after the change is committed."""
    try:
        asyncio.run(_publish(settings.services.redis_url, hashes))
    except RedisUnavailable:
        Console(stderr=True).print(
            "[yellow]Redis can't be reached:[/yellow] gateways notice within 30 seconds instead of one",
            soft_wrap=True,
            highlight=False,
        )


async def _publish(redis_url: str, hashes: Sequence[str]) -> None:
    redis = Redis(redis_url)
    try:
        for digest in hashes:
            await redis.publish(REVOCATIONS, digest)
    finally:
        await redis.close()


def duration(text: str) -> timedelta:
    """`90s`, `30m`, `24h`, `7d`, or `0`. Raises `typer.BadParameter`."""
    number, unit = (text, "s") if text == "0" else (text[:-1], text[-1:])
    if not (number.isascii() and number.isdigit()) or unit not in _SECONDS:
        raise typer.BadParameter(f"{text!r} is no duration: write 90s, 30m, 24h or 7d")
    try:
        return timedelta(seconds=int(number) * _SECONDS[unit])
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is too long") from None


def fail(sentence: str, code: int = 1) -> NoReturn:
    Console(stderr=True).print(f"[red]not done:[/red] {escape(sentence.strip())}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def wide_console() -> Console:
    """For tables: in a pipe, where nobody says how wide it is, ids must stay whole."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200)


def print_json(value: Any) -> None:
    """One line on standard output, times as ISO 8601."""
    typer.echo(msgspec.json.encode(value))


def limit_text(limit: int | None, when_none: str = "default") -> str:
    if limit is None:
        return when_none
    return f"{limit}/min" if limit else "none"
