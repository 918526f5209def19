"""Contents and index together: what is stored can be found, and what nobody has is deleted
(sourcemaps.md, "How it is kept")."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from shared.audit import Actor
from shared.clients.postgres import PostgresUnavailable
from shared.sourcemaps.blobs import Blobs, BlobsUnavailable
from shared.sourcemaps.index import ContentGone, Index, OverQuota, StoredFile, WouldReplace

TRIES = 3
"""Uploads of a content that is deleted meanwhile start again so many times."""

UNTOUCHED_S = 3600.0
"""A content that no file has is taken for left behind after this time: no upload lasts so long."""

Content = Callable[[StoredFile], Awaitable[bytes]]

_log = structlog.get_logger(__name__)


class Store:
    """The source maps of all projects.

    1. When `keep` returns, the contents are durable and the index names them. If it raises, the release is as before.
    2. A content is deleted when no file of any project has it any more; if its storage is away then, by `prune`.

    Calls may raise `PostgresUnavailable` and `BlobsUnavailable`.
    """

    def __init__(self, blobs: Blobs, index: Index, project_bytes: int | None = None) -> None:
        """`project_bytes`: what a project may have in all, each content counted once; None: any."""
        self._blobs = blobs
        self._index = index
        self._project_bytes = project_bytes

    async def keep(
        self,
        project_id: str,
        release: str,
        files: Sequence[StoredFile],
        content: Content,
        *,
        by: Actor,
        may_replace: bool = True,
    ) -> None:
        """Store files of a release; `content` reads one. Raises `OverQuota`, and `WouldReplace` if it may not."""
        if self._project_bytes is not None:
            await self._index.check_room(project_id, release, files, self._project_bytes)
        for _ in range(TRIES):
            claimed = await self._index.claim(files)
            for file in {file.digest: file for file in files}.values():
                await self._blobs.put(file.digest, await content(file))
            try:
                replaced = await self._index.add(
                    project_id, release, files, claimed, self._project_bytes, by=by, may_replace=may_replace
                )
            except ContentGone:
                continue
            except (OverQuota, WouldReplace):  # of the quota: another upload of the project was quicker
                await self._collect([file.digest for file in files])
                raise
            await self._collect(replaced)
            return
        raise BlobsUnavailable("others delete the same source maps all the time")

    async def remove(self, project_id: str, release: str, by: Actor) -> int:
        """Forget a release; returns how many files it had."""
        digests = await self._index.remove(project_id, release, by)
        await self._collect(digests)
        return len(digests)

    async def prune(
        self, older_than: timedelta, by: Actor, project_id: str | None = None
    ) -> list[tuple[str, str, int]]:
        """Forget the releases, of one project or all, whose newest file is older, and delete all contents that nobody
        has; returns (project, release, files) of each release."""
        pruned = []
        for project, release in await self._index.releases_before(older_than, project_id):
            pruned.append((project, release, await self.remove(project, release, by)))
        await self._index.collect(await self._index.unused(UNTOUCHED_S), self._blobs.delete)
        await self._index.forget_deleted()
        return pruned

    async def _collect(self, digests: Sequence[str]) -> None:
        """What the caller wanted is done by now: this can wait for the next `prune`."""
        try:
            await self._index.collect(digests, self._blobs.delete)
        except (PostgresUnavailable, BlobsUnavailable) as error:
            _log.warning("contents of source maps are left behind: run sluice sourcemaps prune", error=str(error))
