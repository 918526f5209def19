"""Contents as objects of a bucket: AWS S3, or whatever speaks its protocol."""

from datetime import timedelta
from typing import NamedTuple

from obstore.exceptions import BaseError
from obstore.store import S3Store

from shared.secret import Secret
from shared.settings import BadSetting
from shared.sourcemaps.blobs import BlobsUnavailable, checked_digest, intact
from shared.sourcemaps.settings import Sourcemaps

CONNECT_WITHIN_S, TRIED_FOR_S = 3.0, 8.0
"""The SDK waits for its answer for ten seconds."""

TRIES = 2

_FAILURES = (BaseError, OSError)


class S3Options(NamedTuple):
    """A bucket and the right to use it. Objects are named `<prefix><digest>`."""

    url: str
    bucket: str
    region: str
    prefix: str
    key_id: str
    secret: Secret


def options_of(settings: Sourcemaps) -> S3Options:
    """Raises `BadSetting` where something is missing."""
    secret = settings.s3_secret_key
    if not settings.s3_url.startswith(("https://", "http://")):
        raise BadSetting("SLUICE_SOURCEMAPS_S3_URL must be https://host or http://host:port")
    given = {"S3_BUCKET": settings.s3_bucket, "S3_KEY_ID": settings.s3_key_id, "S3_SECRET_KEY": secret}
    if missing := [name for name, value in given.items() if not value]:
        raise BadSetting(f"SLUICE_SOURCEMAPS_S3_URL needs SLUICE_SOURCEMAPS_{missing[0]} too")
    return S3Options(
        settings.s3_url, settings.s3_bucket, settings.s3_region, settings.s3_prefix, settings.s3_key_id, secret
    )


class S3Blobs:
    """A bucket. An object is whole or not there: the SHA-256 of its bytes is part of the request's signature."""

    def __init__(self, options: S3Options) -> None:
        self._prefix = options.prefix
        self._store = S3Store(
            options.bucket,
            endpoint=options.url,
            region=options.region,
            access_key_id=options.key_id,
            secret_access_key=options.secret.reveal(),
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": options.url.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_WITHIN_S),
                "timeout": timedelta(seconds=TRIED_FOR_S),
            },
            retry_config={"max_retries": TRIES, "retry_timeout": timedelta(seconds=TRIED_FOR_S)},
        )

    async def put(self, digest: str, data: bytes) -> None:
        try:
            await self._store.put_async(self._name(digest), data, use_multipart=False)
        except _FAILURES as error:
            raise _unavailable(error) from None

    async def get(self, digest: str) -> bytes | None:
        try:
            found = await self._store.get_async(self._name(digest))
            data = bytes(await found.bytes_async())
        except _FAILURES as error:
            if _is_absent(error):
                return None
            raise _unavailable(error) from None
        return intact(digest, data)

    async def delete(self, digest: str) -> None:
        try:
            await self._store.delete_async(self._name(digest))
        except _FAILURES as error:
            if not _is_absent(error):
                raise _unavailable(error) from None

    def _name(self, digest: str) -> str:
        return self._prefix + checked_digest(digest)


def _is_absent(error: Exception) -> bool:
    """Whether there is no such object: without its bucket nobody knows that."""
    return isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error)


def _unavailable(error: Exception) -> BlobsUnavailable:
    """With its first line: the rest is the client's own state, which no log needs."""
    return BlobsUnavailable(f"the bucket of source maps can't be used: {str(error).strip().splitlines()[0][:500]}")
