"""`sluice sourcemaps`: what builds have uploaded, and how it goes again (sourcemaps.md, "Commands")."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.audit import command_line
from shared.clients.postgres import Postgres
from shared.commands.common import (
    AsJson,
    DataDir,
    database,
    duration,
    fail,
    print_json,
    quiet,
    sentences,
    settings_beside,
    wide_console,
)
from shared.projects import get_project, list_projects
from shared.settings import Settings
from shared.sourcemaps.blobs import BlobsUnavailable, open_blobs
from shared.sourcemaps.index import Index, Release
from shared.sourcemaps.store import Store

sourcemaps = typer.Typer(help="Source maps: list, delete and prune them.", no_args_is_help=True)

TIMEOUT_S = 60.0
"""How long one question to Postgres may take, seconds: a person waits."""

OneProject = Annotated[str, typer.Option("--project", metavar="ID", help="The project that they belong to")]
MaybeProject = Annotated[str | None, typer.Option("--project", metavar="ID", help="Only this project's")]

T = TypeVar("T")


@sourcemaps.command("list")
def list_all(project: MaybeProject = None, as_json: AsJson = False, data_dir: DataDir = Path("var")) -> None:
    """List releases, the newest upload of a project first: files, bytes, when the newest file came."""
    settings = settings_beside(data_dir)
    with database(settings) as db:
        projects = [one.id for one in list_projects(db)] if project is None else [get_project(db, project).id]

    async def releases(index: Index, store: Store) -> list[tuple[str, Release]]:
        return [(one, release) for one in projects for release in await index.releases(one)]

    found = _with_store(settings, releases)
    if as_json:
        rows = [{"project_id": one, **msgspec.structs.asdict(release)} for one, release in found]
        print_json({"releases": rows})
        return
    table = Table("project", "release", "files", "bytes", "newest file")
    for one, release in found:
        newest = f"{release.uploaded_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(escape(one), escape(release.release), f"{release.files:,}", f"{release.bytes:,}", newest)
    wide_console().print(table)


@sourcemaps.command()
def delete(
    release: Annotated[str, typer.Argument(metavar="RELEASE")],
    project: OneProject,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Delete a release's source maps."""
    count = _with_store(settings_beside(data_dir), lambda index, store: store.remove(project, release, command_line()))
    if not count:
        fail(f"the project {project!r} has no source maps of the release {release!r}")
    if as_json:
        print_json({"project_id": project, "release": release, "files": count})
    else:
        _say(f"{count:,} files of {release} are deleted")


@sourcemaps.command()
def prune(
    older_than: Annotated[str, typer.Option("--older-than", help="Age of a release's newest file: 90d, 24h")],
    project: MaybeProject = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("var"),
) -> None:
    """Delete old releases, and all contents that no release has: of removed projects, of uploads that never ended."""
    age = duration(older_than)
    pruned = _with_store(settings_beside(data_dir), lambda index, store: store.prune(age, command_line(), project))
    if as_json:
        rows = [{"project_id": one, "release": release, "files": files} for one, release, files in pruned]
        print_json({"pruned": rows})
    else:
        _say(f"{len(pruned):,} releases with {sum(files for _, _, files in pruned):,} files are deleted")


def _with_store(settings: Settings, ask: Callable[[Index, Store], Awaitable[T]]) -> T:
    """Run what needs the index or the store on an event loop of its own."""

    async def run() -> T:
        postgres = Postgres(settings.services.postgres_url, timeout_s=TIMEOUT_S)
        try:
            index = Index(postgres)
            return await ask(index, Store(open_blobs(settings), index))
        finally:
            await postgres.close()

    quiet()
    with sentences(BlobsUnavailable):
        return asyncio.run(run())


def _say(sentence: str) -> None:
    Console().print(f"[green]✓[/green] {escape(sentence)}", highlight=False)
