"""One upload, from its headers to the answer after its files are durable."""

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass

import structlog
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from gateway.actors import key_actor
from gateway.http.deadlines import Deadlines
from gateway.http.headers import HEADERS
from gateway.http.unpack import ALWAYS_ALLOWED, CODINGS
from gateway.rejections import Unavailable, UnsupportedEncoding
from gateway.sourcemaps.refusals import BadUpload, PublicKey, QuotaUsedUp, UploadTooLarge
from gateway.sourcemaps.sorter import Sorter
from gateway.sourcemaps.spool import Spool
from gateway.sourcemaps.task import Sorted, Task
from gateway.turns import Turns
from shared.audit import Actor
from shared.clients.postgres import PostgresUnavailable
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.sourcemaps.blobs import BlobsUnavailable
from shared.sourcemaps.index import OverQuota, StoredFile, WouldReplace
from shared.sourcemaps.store import Store

AT_ONCE = 4
"""Uploads that are received or stored at the same time, of one project one."""

WAITING = 16
"""Uploads whose bodies wait unread for others; any more get 503."""

LARGE_BYTES = 8_000_000
"""Of uploads with a larger file, one is stored at a time."""

MAX_CONTENT_TYPE = 1_000
"""Longest Content-Type header that is read, bytes: the boundary is in it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class UploadLimits:
    """`max_bytes`: of an upload, on the wire and unpacked; `max_ratio`: of unpacked to packed, as for other bodies."""

    max_bytes: int
    max_ratio: int


class Uploads:
    """Takes uploads in.

    1. `take` returns after every file is durable and its row is committed, never before. Of an upload that is refused,
       or ends in between, nothing is stored that anybody would find.
    2. In memory is one file of each upload, of over `LARGE_BYTES` one in all, and one process aside that sorts.
    3. Projects take turns; whoever waits has not been read yet.
    """

    def __init__(
        self, store: Store, sorter: Sorter, deadlines: Deadlines, metrics: Metrics, limits: UploadLimits
    ) -> None:
        self._store = store
        self._sorter = sorter
        self._deadlines = deadlines
        self._stored = metrics.sourcemaps
        self._stored_bytes = metrics.sourcemap_bytes
        self._limits = limits
        self._turns = Turns(AT_ONCE, WAITING, each=1)
        self._large = asyncio.Lock()

    async def take(self, request: Request, key: ResolvedKey) -> Sorted:
        """Store the files of a request with this key. Raises `Rejection`, `ClientGone`."""
        headers: dict[bytes, bytes] = request.scope[HEADERS]
        boundary, coding = _boundary(headers.get(b"content-type", b"")), _coding(headers)
        if int(headers.get(b"content-length", 0)) > self._limits.max_bytes:
            raise UploadTooLarge(self._limits.max_bytes)
        await self._turns.take(key.project_id)
        try:
            with Spool(self._limits.max_bytes) as spool:
                await spool.fill(request.receive, self._deadlines)
                task = Task(boundary, coding, self._most_unpacked(spool.size))
                upload = await self._sorter.sort(spool, task)
                await self._keep(key, key_actor(key, request), upload, spool)
        finally:
            self._turns.give_back(key.project_id)
        self._stored.inc(len(upload.files))
        self._stored_bytes.inc(sum(each.file.size for each in upload.files))
        return upload

    def _most_unpacked(self, wire_bytes: int) -> int:
        return min(self._limits.max_bytes, max(ALWAYS_ALLOWED, self._limits.max_ratio * wire_bytes))

    async def _keep(self, key: ResolvedKey, by: Actor, upload: Sorted, spool: Spool) -> None:
        files = [each.file for each in upload.files]
        starts = {each.file.path: each.start for each in upload.files}

        async def content(file: StoredFile) -> bytes:
            return await spool.read(starts[file.path], file.size)

        try:
            async with self._large if max(file.size for file in files) > LARGE_BYTES else nullcontext():
                await self._store.keep(
                    key.project_id, upload.release, files, content, by=by, may_replace=not key.is_public
                )
        except WouldReplace as error:
            raise PublicKey from error
        except OverQuota as error:
            raise QuotaUsedUp(str(error)) from error
        except (BlobsUnavailable, PostgresUnavailable) as error:
            _log.warning("an upload of source maps can't be stored", error=str(error))
            raise Unavailable from error


def _boundary(content_type: bytes) -> str:
    kind, options = parse_options_header(content_type[:MAX_CONTENT_TYPE])
    boundary = options.get(b"boundary", b"").decode("latin-1")
    if kind.strip() != b"multipart/form-data" or not boundary:
        raise BadUpload("Send multipart/form-data: the field release, and each source map as a part named files")
    return boundary


def _coding(headers: dict[bytes, bytes]) -> str:
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    if coding == b"identity":
        return ""
    if coding not in CODINGS:
        raise UnsupportedEncoding
    return coding.decode()
