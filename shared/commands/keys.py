"""`sluice key`."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.commands.common import (
    MOST,
    AsJson,
    DataDir,
    database,
    duration,
    environment_beside,
    fail,
    limit_text,
    one_line,
    print_json,
    sentences,
    settings_beside,
    tell_gateways,
    time_text,
    wide_console,
)
from shared.dsn import NoDsn, dsn_of
from shared.keys import Key, UnreadableKey, create_key, generate, hash_key, list_keys, revoke_key, rotate_key
from shared.origins import NoOrigin, normal_origin

key = typer.Typer(help="API keys: create, list, revoke and rotate them.", no_args_is_help=True)


class ScopeChoice(StrEnum):
    INGEST = "ingest"
    READ = "read"
    TRIAGE = "triage"
    OPERATE = "operate"


class KindChoice(StrEnum):
    DT = "dt"
    PK = "pk"


KeyId = Annotated[str, typer.Argument(metavar="ID", help="As key list shows it (key_...), not the key itself")]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        help="Pages that may use it: https://app.example.com, https://*.example.com, null, file://, app://. ... "
        "(repeatable)",
    ),
]
RateLimit = Annotated[
    int | None,
    typer.Option("--rate-limit", min=0, max=MOST, help="Requests a minute; 0: no limit; left out: the default"),
]


@key.command()
def create(
    project: Annotated[str, typer.Option("--project", metavar="ID", help="The project that it belongs to")],
    scope: Annotated[list[ScopeChoice], typer.Option("--scope", help="What it is good for (repeatable)")] = [  # noqa: B006
        ScopeChoice.INGEST
    ],
    kind: Annotated[
        KindChoice, typer.Option("--kind", help="dt for servers, pk for code that browsers run")
    ] = KindChoice.DT,
    origin: Origins = None,
    rate_limit: RateLimit = None,
    name: Annotated[str, typer.Option("--name", help="Display name")] = "",
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Create a key and print it, this once: only its hash is stored."""
    scopes = list(dict.fromkeys(choice.value for choice in scope))
    limited = _limited(scopes)
    name, origins = one_line(name, "a name"), _origins(origin or [])
    token = generate(kind.value)
    settings = settings_beside(data_dir)
    with database(settings) as db:
        key_id = create_key(
            db,
            project,
            token,
            scopes=scopes,  # type: ignore[arg-type]  # an enum's values are no Literal for mypy
            name=name,
            origins=origins,
            ingest_limit=rate_limit if "ingest" in limited else None,
            read_limit=rate_limit if "read" in limited else None,
        )
    # A gateway that was asked for it already keeps for a few seconds that there is no such key.
    tell_gateways(settings, [hash_key(token)])
    made = {"id": key_id, "key": token, "project_id": project, "scopes": scopes, "origins": origins}
    its_dsn = _dsn(data_dir, token) if "ingest" in scopes else None
    if as_json:
        print_json(made | {"rate_limit": rate_limit, "dsn": its_dsn})
        return
    _print_once(key_id, token)
    if its_dsn:
        Console().print(f"  for Sentry's SDKs: {escape(its_dsn)}", highlight=False, soft_wrap=True)


@key.command()
def dsn(
    token: Annotated[str, typer.Argument(metavar="KEY", help="The key itself; -: a line of the standard input")],
    url: Annotated[
        str | None, typer.Option("--url", help="Where SDKs find the gateway; left out: that of sluice up")
    ] = None,
    data_dir: DataDir = Path("var"),
) -> None:
    """Print the DSN of a key, for Sentry's SDKs. The key is not looked up."""
    if token == "-":  # noqa: S105 - no key
        token = typer.get_text_stream("stdin").readline().strip()
    at = url or environment_beside(data_dir).get("SLUICE_URL")
    if not at:
        fail("it is not known where the gateway is: name it with --url")
    with sentences(NoDsn):
        typer.echo(dsn_of(at, token))


@key.command("list")
def list_all(
    project: Annotated[str | None, typer.Option("--project", metavar="ID", help="Only this project's")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """List keys: their first characters, their rules, and whether they are still good.

    A row that can't be read is named, and gateways take it for no key: revoke it, and create another.
    """
    with database(settings_beside(data_dir)) as db:
        found = list_keys(db, project)
    now = datetime.now(UTC)
    if as_json:
        keys = [msgspec.structs.asdict(one) | {"state": _state(one, now)} for one in found if isinstance(one, Key)]
        print_json({"keys": keys, "unreadable": [one for one in found if isinstance(one, UnreadableKey)]})
        return
    table = Table("id", "project", "key", "name", "scopes", "origins", "limits", "state")
    for one in found:
        table.add_row(escape(one.id), escape(one.project_id), escape(f"{one.prefix}…"), *_rules(one, now))
    wide_console().print(table)


def _rules(one: Key | UnreadableKey, now: datetime) -> tuple[str, ...]:
    """The cells of its rules; of a row that can't be read the reason instead."""
    if isinstance(one, UnreadableKey):
        return "", "", "", "", f"[red]can't be read:[/red] {escape(one.problem)}"
    origins = escape(", ".join(one.origins)) or "all"
    return escape(one.name), ", ".join(one.scopes), origins, _limits(one), _state(one, now)


@key.command()
def revoke(key_id: KeyId, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """End a key: within a second no gateway takes it any more."""
    settings = settings_beside(data_dir)
    with database(settings) as db:
        digest = revoke_key(db, key_id)
        if digest is None:
            fail(f"there is no key {key_id!r}")
    tell_gateways(settings, [digest])
    if as_json:
        print_json({"id": key_id, "revoked": True})
    else:
        Console().print(f"[green]✓[/green] {escape(key_id)} is revoked", highlight=False)


@key.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[str, typer.Option("--grace", help="How long the old key is still good: 90s, 30m, 24h, 7d")] = (
        "24h"
    ),
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Make a new key with the same rules and print it; the old one ends after the grace."""
    wait = duration(grace)
    settings = settings_beside(data_dir)
    with database(settings) as db:
        made = rotate_key(db, key_id, grace=wait)
        if made is None:
            fail(f"there is no key {key_id!r} that is still good")
    tell_gateways(settings, [made.old_hash, hash_key(made.key)])
    if as_json:
        fields: dict[str, Any] = msgspec.structs.asdict(made)
        del fields["old_hash"]
        print_json(fields | {"old_id": key_id})
        return
    _print_once(made.id, made.key)
    until = made.old_expires_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    Console().print(f"  {escape(key_id)} is good until {until}", highlight=False)


def _dsn(data_dir: Path, token: str) -> str | None:
    """None where nobody has said where the gateway is."""
    with suppress(NoDsn):
        return dsn_of(environment_beside(data_dir).get("SLUICE_URL", ""), token)
    return None


def _print_once(key_id: str, token: str) -> None:
    console = Console()
    console.print(f"[green]✓[/green] {escape(key_id)}: keep the key now, it is not shown again", highlight=False)
    console.print(escape(token), highlight=False, soft_wrap=True)


def _origins(texts: list[str]) -> list[str]:
    """As browsers send them, each once."""
    try:
        return list(dict.fromkeys(map(normal_origin, texts)))
    except NoOrigin as error:
        fail(str(error))


def _limited(scopes: Iterable[str]) -> list[str]:
    """The kinds of requests that a key with these scopes makes, each with a limit of its own."""
    return list(dict.fromkeys("ingest" if scope == "ingest" else "read" for scope in scopes))


def _limits(one: Key) -> str:
    limits = {"ingest": one.ingest_limit, "read": one.read_limit}
    return ", ".join(limit_text(limits[kind]) for kind in _limited(one.scopes))


def _state(one: Key, now: datetime) -> str:
    if one.revoked_at is not None:
        return "revoked"
    if one.expires_at is None:
        return "good"
    return "expired" if one.expires_at <= now else f"good until {time_text(one.expires_at)}"
