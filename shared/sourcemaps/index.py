"""Which project's release has which files, in Postgres (sourcemaps.md, "How it is kept")."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import LiteralString

import msgspec

from shared.audit import Actor, Deed, audit_async
from shared.clients.postgres import AsyncConnection, Postgres

COLLECTED_AT_ONCE = 20
"""Contents that one transaction deletes; their rows are locked as long."""

MOST_NAMED = 5000

UPLOADS_KEPT = 100
"""Of one key that the audit log keeps in an hour: a public one may be a stranger's."""

Delete = Callable[[str], Awaitable[None]]
"""Deletes the content of a digest."""

Claim = Mapping[str, int]
"""Digest -> how often its content was deleted before it was claimed."""


class StoredFile(msgspec.Struct, frozen=True):
    """A file of a build.

    `path`: below the build folder, `/`-separated (`static/chunks/app/page-9f8e.js.map`); `digest`: SHA-256 hex of its
    content; `size`: bytes; `debug_id`: a lower-case UUID, or ''.
    """

    path: str
    digest: str
    size: int
    debug_id: str = ""


class Release(msgspec.Struct, frozen=True):
    """What is stored of a release: how many files, their bytes, and when the newest came."""

    release: str
    files: int
    bytes: int
    uploaded_at: datetime


class ContentGone(Exception):
    """A content was deleted since it was put: claim and put it again."""


class WouldReplace(Exception):
    """The release has a file of this path with another content. The text is the path."""


class OverQuota(Exception):
    """The project may not store so much. The text says how much it has, and may have."""


_FOUND: LiteralString = (
    "SELECT path, digest, size, debug_id FROM sourcemap_files JOIN sourcemap_blobs USING (digest) WHERE project_id = %s"
)


class Index:
    """The files of all releases.

    1. A project sees, replaces and deletes its own files only.
    2. A content is deleted only while its row is locked and no file of any project has it, and its row says so
       before. `add` looks at these rows under a lock too: it stores a file only if no content of it was deleted since
       its claim.
    3. A content's row is committed before the content is stored (`claim`), so that none is left that nobody knows of.

    Every call may raise `PostgresUnavailable`.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def find(self, project_id: str, release: str, paths: Sequence[str]) -> dict[str, StoredFile]:
        """Path -> file, of those that the release has."""
        rows = await self._postgres.query(_FOUND + " AND release = %s AND path = ANY(%s)", [project_id, release, paths])
        return {row[0]: StoredFile(*row) for row in rows}

    async def find_named(self, project_id: str, release: str, names: Sequence[str]) -> list[StoredFile]:
        """The release's files whose path ends in one of these names, in whatever folder; at most `MOST_NAMED`."""
        rows = await self._postgres.query(
            _FOUND + " AND release = %s AND regexp_replace(path, '^.*/', '') = ANY(%s) ORDER BY path LIMIT %s",
            [project_id, release, names, MOST_NAMED],
        )
        return [StoredFile(*row) for row in rows]

    async def find_debug_ids(self, project_id: str, ids: Sequence[str]) -> dict[str, StoredFile]:
        """Debug id -> the file that has it, of any release: the newest source map, else the newest file."""
        rows = await self._postgres.query(
            _FOUND + " AND debug_id <> '' AND debug_id = ANY(%s) ORDER BY path LIKE '%%.map', uploaded_at, path",
            [project_id, ids],
        )
        return {row[3]: StoredFile(*row) for row in rows}

    async def has_release(self, project_id: str, release: str) -> bool:
        """Whether the release has any file."""
        return bool(
            await self._postgres.query(
                "SELECT 1 FROM sourcemap_files WHERE project_id = %s AND release = %s LIMIT 1", [project_id, release]
            )
        )

    async def releases(self, project_id: str, most: int | None = None) -> list[Release]:
        """The project's releases, the newest upload first; at most so many of them."""
        rows = await self._postgres.query(
            "SELECT release, count(*), sum(size)::bigint, max(uploaded_at) AS newest"
            " FROM sourcemap_files JOIN sourcemap_blobs USING (digest)"
            " WHERE project_id = %s GROUP BY release ORDER BY newest DESC, release LIMIT %s",
            [project_id, most],
        )
        return [Release(*row) for row in rows]

    async def claim(self, files: Iterable[StoredFile]) -> Claim:
        """Say that these contents are about to be put. Waits for their deletion, where that is under way."""
        sizes = {file.digest: file.size for file in files}

        async def claim(db: AsyncConnection) -> Claim:
            rows = await db.execute(
                "INSERT INTO sourcemap_blobs (digest, size)"
                " SELECT * FROM unnest(%s::text[], %s::bigint[]) AS claimed (digest, size) ORDER BY digest"
                " ON CONFLICT (digest) DO UPDATE SET touched_at = now(), deleted_at = NULL RETURNING digest, deletions",
                [list(sizes), list(sizes.values())],
            )
            return dict(await rows.fetchall())

        return await self._postgres.change(claim)

    async def add(
        self,
        project_id: str,
        release: str,
        files: Iterable[StoredFile],
        claimed: Claim,
        quota: int | None = None,
        *,
        by: Actor,
        may_replace: bool = True,
    ) -> list[str]:
        """Store which files the release has; their contents were put since they were `claimed`, and are durable by
        now. A file of the same path is replaced; returns the digests of those.

        `quota`: bytes that the project may have in all, each content counted once; None: any.

        Raises:
            ContentGone: claim and put them again; nothing is stored.
            OverQuota: nothing is stored.
            WouldReplace: it may not replace a file, and would; nothing is stored.
        """
        by_path = {file.path: file for file in files}
        parameters = {
            "project": project_id,
            "release": release,
            **{name: [getattr(file, name) for file in by_path.values()] for name in StoredFile.__struct_fields__},
        }

        async def add(db: AsyncConnection) -> list[str]:
            # One upload of a project at a time: they would count without each other, or wait for each other for ever.
            await db.execute("SELECT FROM projects WHERE id = %(project)s FOR NO KEY UPDATE", parameters)
            await _check_contents(db, [file.digest for file in by_path.values()], claimed)
            replaced = await (await db.execute(_REPLACED, parameters)).fetchall()
            if not may_replace:
                _check_kept(replaced, by_path)
            await db.execute(_ADD, parameters)
            if quota is not None:
                (stored,) = await (await db.execute(_STORED_BYTES, [project_id])).fetchone() or (0,)
                _check_quota(stored, quota)
            detail = {"files": len(by_path), "replaced": len(replaced)}
            uploaded = Deed(action="sourcemaps.uploaded", subject=release, project_id=project_id, detail=detail)
            await audit_async(db, msgspec.structs.replace(uploaded, hourly=UPLOADS_KEPT), by)
            return [digest for _, digest in replaced]

        return await self._postgres.change(add)

    async def remove(self, project_id: str, release: str, by: Actor) -> list[str]:
        """Forget a release; returns the digest of each file that it had. Their contents stay until `collect`."""

        async def remove(db: AsyncConnection) -> list[str]:
            gone = await db.execute(
                "DELETE FROM sourcemap_files WHERE project_id = %s AND release = %s RETURNING digest",
                [project_id, release],
            )
            digests = [digest for (digest,) in await gone.fetchall()]
            if digests:
                detail = {"files": len(digests)}
                deleted = Deed(action="sourcemaps.deleted", subject=release, project_id=project_id, detail=detail)
                await audit_async(db, deleted, by)
            return digests

        return await self._postgres.change(remove)

    async def stored_bytes(self, project_id: str) -> int:
        """What the project has in all, each content counted once."""
        return int((await self._postgres.query(_STORED_BYTES, [project_id]))[0][0])

    async def check_room(self, project_id: str, release: str, files: Sequence[StoredFile], quota: int) -> None:
        """Raise `OverQuota` if `add` would, as things are now."""
        sizes = {file.digest: file.size for file in files}
        rows = await self._postgres.query(
            "SELECT coalesce(sum(size), 0)::bigint FROM"
            " (SELECT digest, size FROM sourcemap_blobs WHERE digest IN (SELECT digest FROM sourcemap_files"
            " WHERE project_id = %s AND NOT (release = %s AND path = ANY(%s)))"
            " UNION SELECT * FROM unnest(%s::text[], %s::bigint[])) AS contents",
            [project_id, release, [file.path for file in files], list(sizes), list(sizes.values())],
        )
        _check_quota(rows[0][0], quota)

    async def releases_before(self, age: timedelta, project_id: str | None = None) -> list[tuple[str, str]]:
        """(project, release) of those whose newest file is older, of one project or all."""
        rows = await self._postgres.query(
            "SELECT project_id, release FROM sourcemap_files WHERE project_id = coalesce(%s::text, project_id)"
            " GROUP BY project_id, release HAVING max(uploaded_at) < now() - %s ORDER BY project_id, release",
            [project_id, age],
        )
        return [(project, release) for project, release in rows]

    async def unused(self, untouched_s: float) -> list[str]:
        """The digests of contents that no file has, and that no upload has claimed for so many seconds; deleted ones
        too until they are forgotten, as whoever deleted them may have stopped halfway."""
        rows = await self._postgres.query(
            "SELECT digest FROM sourcemap_blobs WHERE touched_at <= now() - make_interval(secs => %s)"
            " AND NOT EXISTS (SELECT FROM sourcemap_files AS files WHERE files.digest = sourcemap_blobs.digest)",
            [untouched_s],
        )
        return [digest for (digest,) in rows]

    async def collect(self, digests: Iterable[str], delete: Delete) -> int:
        """Delete those of these contents that no file has; returns how many. Raises what `delete` raises: then some
        are gone, and the next `collect` goes on."""
        wanted, n = sorted(set(digests)), 0
        for start in range(0, len(wanted), COLLECTED_AT_ONCE):
            some = wanted[start : start + COLLECTED_AT_ONCE]
            marked = await self._postgres.change(partial(_mark_deleted, digests=some))
            n += await self._postgres.change(partial(_delete_marked, marked=marked, delete=delete))
        return n

    async def forget_deleted(self) -> None:
        """Drop the rows of contents that were deleted more than a day ago: longer than any upload takes."""

        async def forget(db: AsyncConnection) -> None:
            await db.execute("DELETE FROM sourcemap_blobs WHERE deleted_at < now() - interval '1 day'")

        await self._postgres.change(forget)


_STORED_BYTES: LiteralString = (
    "SELECT coalesce(sum(size), 0)::bigint FROM sourcemap_blobs"
    " WHERE digest IN (SELECT digest FROM sourcemap_files WHERE project_id = %s)"
)

_REPLACED: LiteralString = (
    "SELECT path, digest FROM sourcemap_files"
    " WHERE project_id = %(project)s AND release = %(release)s AND path = ANY(%(path)s)"
)

_ADD: LiteralString = (
    "INSERT INTO sourcemap_files (project_id, release, path, digest, debug_id)"
    " SELECT %(project)s, %(release)s, * FROM unnest(%(path)s::text[], %(digest)s::text[], %(debug_id)s::text[])"
    " ON CONFLICT (project_id, release, path) DO UPDATE"
    " SET digest = excluded.digest, debug_id = excluded.debug_id, uploaded_at = now()"
)


async def _check_contents(db: AsyncConnection, digests: list[str], claimed: Claim) -> None:
    rows = await db.execute(
        "SELECT digest, deletions FROM sourcemap_blobs WHERE digest = ANY(%s) AND deleted_at IS NULL"
        " ORDER BY digest FOR SHARE",
        [digests],
    )
    if dict(await rows.fetchall()) != {digest: claimed[digest] for digest in digests}:
        raise ContentGone


def _check_quota(stored: int, quota: int) -> None:
    if stored > quota:
        raise OverQuota(f"with this upload it would have {stored:,} bytes, of {quota:,} allowed")


async def _mark_deleted(db: AsyncConnection, digests: list[str]) -> dict[str, int]:
    """Digest -> its deletions, of those that no file has. It is committed before any is deleted: whoever has claimed
    one, and put it, claims again, even if the deletion ends halfway."""
    await db.execute("SELECT FROM sourcemap_blobs WHERE digest = ANY(%s) ORDER BY digest FOR UPDATE", [digests])
    # Another statement, because it must see what those have stored whose locks were waited for.
    rows = await db.execute(
        "UPDATE sourcemap_blobs SET deleted_at = coalesce(deleted_at, now()), deletions = deletions + 1"
        " WHERE digest = ANY(%s)"
        " AND NOT EXISTS (SELECT FROM sourcemap_files AS files WHERE files.digest = sourcemap_blobs.digest)"
        " RETURNING digest, deletions",
        [digests],
    )
    return dict(await rows.fetchall())


async def _delete_marked(db: AsyncConnection, marked: dict[str, int], delete: Delete) -> int:
    """Delete those that nobody has claimed, or marked again, since; how many."""
    rows = await db.execute(
        "SELECT digest FROM sourcemap_blobs JOIN unnest(%s::text[], %s::bigint[]) AS marked (digest, deletions)"
        " USING (digest, deletions) WHERE deleted_at IS NOT NULL ORDER BY digest FOR UPDATE OF sourcemap_blobs",
        [list(marked), list(marked.values())],
    )
    still = [digest for (digest,) in await rows.fetchall()]
    for digest in still:
        await delete(digest)
    return len(still)


def _check_kept(stored: Iterable[tuple[str, str]], new: Mapping[str, StoredFile]) -> None:
    for path, digest in stored:
        if new[path].digest != digest:
            raise WouldReplace(path)
