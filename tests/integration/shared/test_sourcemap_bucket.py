"""Contents in a bucket of a real server of the S3 protocol, which checks signatures."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from deploy.local.engine import Unavailable
from shared.secret import Secret
from shared.settings import Settings
from shared.sourcemaps.blobs import Blobs, BlobsUnavailable, open_blobs
from shared.sourcemaps.settings import Sourcemaps
from tests.integration.shared.s3proxy import BUCKET, KEY_ID, SECRET, S3Proxy

DATA = b'{"version":3}' * 100_000
DIGEST = sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Proxy]:
    try:
        S3Proxy.version()
    except Unavailable as error:
        pytest.skip(str(error))
    with S3Proxy(tmp_path_factory.mktemp("s3proxy")) as running:
        yield running


@pytest.fixture
def bucket(server: S3Proxy) -> Sourcemaps:
    return Sourcemaps(s3_url=server.url, s3_bucket=BUCKET, s3_key_id=KEY_ID, s3_secret_key=Secret(SECRET))


def opened(bucket: Sourcemaps, **changes: object) -> Blobs:
    return open_blobs(Settings(sourcemaps=msgspec.structs.replace(bucket, **changes)))


async def test_what_was_put_is_got_and_deleted(bucket: Sourcemaps, server: S3Proxy) -> None:
    blobs = opened(bucket)
    assert await blobs.get(DIGEST) is None
    await blobs.put(DIGEST, DATA)
    await blobs.put(DIGEST, DATA)
    assert await opened(bucket).get(DIGEST) == DATA
    assert (server.bucket / "sourcemaps" / DIGEST).read_bytes() == DATA
    await blobs.delete(DIGEST)
    await blobs.delete(DIGEST)
    assert await blobs.get(DIGEST) is None
    assert not (server.bucket / "sourcemaps" / DIGEST).exists()


async def test_the_prefix_keeps_several_apart(bucket: Sourcemaps) -> None:
    await opened(bucket, s3_prefix="one/").put(DIGEST, DATA)
    assert await opened(bucket, s3_prefix="two/").get(DIGEST) is None
    assert await opened(bucket, s3_prefix="one/").get(DIGEST) == DATA


async def test_a_damaged_object_is_as_good_as_none(bucket: Sourcemaps, server: S3Proxy) -> None:
    blobs = opened(bucket)
    await blobs.put(DIGEST, DATA)
    (server.bucket / "sourcemaps" / DIGEST).write_bytes(DATA[:-1])
    assert await blobs.get(DIGEST) is None
    await blobs.put(DIGEST, DATA)
    assert await blobs.get(DIGEST) == DATA


async def test_the_secret_may_come_out_of_a_file(bucket: Sourcemaps, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    blobs = opened(bucket, s3_secret_key=Secret(file=tmp_path / "secret"))
    await blobs.put(DIGEST, DATA)
    assert await blobs.get(DIGEST) == DATA


@pytest.mark.parametrize(
    "wrong",
    [{"s3_secret_key": Secret("wrong-secret-text")}, {"s3_bucket": "nowhere"}, {"s3_url": "http://127.0.0.1:1"}],
)
async def test_what_is_wrong_is_said_without_the_secret(bucket: Sourcemaps, wrong: dict[str, object]) -> None:
    blobs = opened(bucket, **wrong)
    for call in (blobs.put(DIGEST, DATA), blobs.get(DIGEST)):
        with pytest.raises(BlobsUnavailable, match="the bucket of source maps can't be used") as raised:
            await call
        assert SECRET not in repr(raised.value)
        assert "secret-text" not in repr(raised.value)
        assert len(str(raised.value)) < 600


def test_no_secret_shows(bucket: Sourcemaps) -> None:
    assert "secret-text" not in repr(opened(bucket)) + repr(bucket)
    assert "secret-text" not in repr(vars(opened(bucket)))
