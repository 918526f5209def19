"""ClickHouse, on each node of a cluster: reachable, migrated, in time, with room, and with windows that are large
enough (operating.md, "The deduplication window")."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.clients.clickhouse import ClickHouse, ClickHouseError, ServerError, database_of
from shared.clients.clickhouse_nodes import connection, nodes_of
from shared.doctor.finding import Finding, of_clock, of_room
from shared.migrations.check import tables_lacking
from shared.migrations.describe import describe
from shared.migrations.plan import WINDOWS
from shared.migrations.statements import stored_in
from shared.registry import Registry
from shared.settings import Settings
from shared.token_windows import TokenWindows

_PART = "clickhouse"
_VERSION = "version "
_TIMEOUT_S = 30.0
_AUTHENTICATION_FAILED = 516


@dataclass(frozen=True)
class Wanted:
    """What there should be."""

    settings: Settings
    registry: Registry
    windows: TokenWindows


def look(wanted: Wanted) -> list[Finding]:
    """Blocks. Whoever calls holds the lock of migrations: a scratch table is made for a moment."""
    settings = wanted.settings
    url, cluster = settings.services.clickhouse_url, settings.storage.cluster
    found: list[Finding] = []
    try:
        with closing(ClickHouse(url, timeout_s=_TIMEOUT_S)) as server:
            nodes = nodes_of(server, cluster) if cluster else []
            if not nodes:
                found += _of_server(_PART, server, wanted, 1)
    except ClickHouseError as error:
        return [*found, refused(_PART, error)]
    shards = len({node.shard for node in nodes})
    for node in nodes:
        part = f"{_PART} {node}"
        try:
            with connection(url, node, timeout_s=_TIMEOUT_S) as server:
                found += _of_server(part, server, wanted, shards)
        except ClickHouseError as error:
            found.append(refused(part, error))
    return [*found, *of_versions(found), *_of_reader(settings)]


def of_versions(found: Sequence[Finding]) -> Iterator[Finding]:
    """Whether the nodes run one version. Pure."""
    versions = {each.part: each.sentence for each in found if each.sentence.startswith(_VERSION)}
    if len(set(versions.values())) > 1:
        each = ", ".join(f"{part.removeprefix(_PART).strip()}: {said}" for part, said in versions.items())
        yield Finding(_PART, "warning", f"its nodes differ ({each}): upgrade the older ones")


def refused(part: str, error: ClickHouseError, url: str = "SLUICE_CLICKHOUSE_URL") -> Finding:
    """`url`: the setting that says where it is, and as whom it is asked. Pure."""
    if not isinstance(error, ServerError):
        return Finding(part, "failure", f"it can't be reached ({error}): check {url}")
    what = "run `sluice migrate`, or grant this user what it lacks"
    if error.code == _AUTHENTICATION_FAILED:
        what = f"check user and password in {url}"
    return Finding(part, "failure", f"it refuses: {str(error).rstrip('.')}: {what}")


def _of_server(part: str, server: ClickHouse, wanted: Wanted, shards: int) -> Iterator[Finding]:
    began = time.time()
    ((version, there),) = server.query("SELECT version(), toUnixTimestamp64Micro(now64(6)) / 1e6")
    yield Finding(part, "ok", f"{_VERSION}{version}")
    yield of_clock(part, there - (began + time.time()) / 2)
    yield from _room(part, server)
    user = urlsplit(wanted.settings.services.clickhouse_url.reveal()).username
    yield from _granted(part, server, user, "SELECT", "INSERT", "ALTER DELETE")
    yield from _tables(part, server, wanted, shards)


def _room(part: str, server: ClickHouse) -> Iterator[Finding]:
    for name, free, total in server.query(
        "SELECT name, free_space, total_space FROM system.disks WHERE total_space > 0"
    ):
        yield from of_room(part, name, free, total, do="shorten retention_days")


def _granted(part: str, server: ClickHouse, user: str | None, *needed: str) -> Iterator[Finding]:
    """What the user lacks of these rights on the database's tables."""
    database = server.database
    lacking = [each for each in needed if server.query(f"CHECK GRANT {each} ON `{database}`.*") != [(1,)]]
    if lacking:
        rights = ", ".join(lacking)
        yield Finding(part, "failure", f"user {user} lacks {rights}: GRANT {rights} ON {database}.* TO {user}")


def _tables(part: str, server: ClickHouse, wanted: Wanted, shards: int) -> Iterator[Finding]:
    settings = wanted.settings
    database, tables = database_of(settings.services.clickhouse_url), wanted.registry.tables
    found = tables_lacking(server, settings, wanted.registry)
    lacking = [*found.conflicts, *found.done]
    for sentence in lacking:
        yield Finding(part, "failure", f"{sentence}: run `sluice migrate`")
    for sentence in found.left_alone:
        yield Finding(part, "warning", f"{sentence}, and leaves it alone")
    if not lacking:
        yield Finding(part, "ok", f"{len(tables)} tables, as this version wants them")
    for table in tables:
        held = stored_in(table, settings.storage)
        if (shape := describe(server, database, held)) is not None:
            yield from judged_window(part, held, shape.settings, wanted.windows.needed(table.name, shards))


def judged_window(part: str, table: str, settings: Mapping[str, str], needed: int) -> Iterator[Finding]:
    """Whether a table remembers as many blocks as are needed. Pure."""
    for name in WINDOWS:
        if settings.get(name, "").isdigit() and int(settings[name]) < needed:
            yield Finding(
                part,
                "warning",
                f"{table} remembers {int(settings[name]):,} blocks, and {needed:,} may come while a batch can be sent"
                " again: run `sluice migrate`, which makes it remember more",
            )


def _of_reader(settings: Settings) -> Iterator[Finding]:
    url, part = settings.clickhouse_read_url, f"{_PART} reader"
    if not settings.services.clickhouse_read_url:
        yield Finding(part, "warning", "questions are asked as the writer's user: set SLUICE_CLICKHOUSE_READ_URL")
        return
    try:
        with closing(ClickHouse(url, timeout_s=_TIMEOUT_S)) as server:
            ((readonly,),) = server.query("SELECT toUInt8(getSetting('readonly'))")
            lacking = [*_granted(part, server, urlsplit(url.reveal()).username, "SELECT")]
    except ClickHouseError as error:
        yield refused(part, error, "SLUICE_CLICKHOUSE_READ_URL")
        return
    yield from lacking
    if not readonly:
        yield Finding(
            part, "warning", f"user {urlsplit(url.reveal()).username} can write: give it a profile with readonly=2"
        )
    else:
        yield Finding(part, "ok", "it can only read")
