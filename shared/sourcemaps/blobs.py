"""Where the contents of source maps are kept, each under its own SHA-256 (sourcemaps.md, "How it is kept")."""

import re
from hashlib import sha256
from typing import Protocol

import structlog

from shared.settings import BadSetting, Settings

_log = structlog.get_logger(__name__)

_DIGEST = re.compile(r"[0-9a-f]{64}")


class BlobsUnavailable(Exception):
    """The storage could not be asked, or could not store: away, too slow, full, or its settings are wrong."""


class Blobs(Protocol):
    """Contents by their digest, SHA-256 in lower-case hex. Every call may raise `BlobsUnavailable`."""

    async def put(self, digest: str, data: bytes) -> None:
        """Store a content. It is durable when this returns; the same one may be stored again."""

    async def get(self, digest: str) -> bytes | None:
        """A content; None where there is none, and where what is stored is not what the digest says."""

    async def delete(self, digest: str) -> None:
        """Forget a content, if it is there."""


def open_blobs(settings: Settings) -> Blobs:
    """The storage that the settings name. Nothing is opened yet. Raises `BadSetting`."""
    mine = settings.sourcemaps
    if not mine.s3_url:
        from shared.sourcemaps.disk import DiskBlobs

        return DiskBlobs(mine.dir)
    try:
        from shared.sourcemaps.s3 import S3Blobs, options_of
    except ImportError as error:
        raise BadSetting("SLUICE_SOURCEMAPS_S3_URL needs the extra s3: pip install 'sluice[s3]'") from error
    return S3Blobs(options_of(mine))


def checked_digest(digest: str) -> str:
    """The digest, which becomes part of a file's name. Raises ValueError for anything else."""
    if _DIGEST.fullmatch(digest) is None:
        raise ValueError(f"{digest!r} is no SHA-256 in lower-case hex")
    return digest


def intact(digest: str, data: bytes) -> bytes | None:
    """What was stored under a digest; None, and an error in the log, if it is something else: a damaged file is as good
    as none, and the next upload of the same content mends it."""
    if sha256(data).hexdigest() == digest:
        return data
    _log.error("a stored source map is damaged: upload it again", digest=digest, bytes=len(data))
    return None
