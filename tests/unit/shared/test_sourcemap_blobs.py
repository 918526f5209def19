"""Contents on the disk: whole, durable, and checked when they are read."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from shared.settings import BadSetting, Settings
from shared.sourcemaps.blobs import BlobsUnavailable, open_blobs
from shared.sourcemaps.disk import HALF_WRITTEN, LEFT_BEHIND_S, DiskBlobs
from shared.sourcemaps.settings import Sourcemaps

DATA = b'{"version":3}'
DIGEST = sha256(DATA).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "maps"


@pytest.fixture
def blobs(folder: Path) -> DiskBlobs:
    return DiskBlobs(folder)


def half_written(folder: Path) -> list[Path]:
    return list((folder / HALF_WRITTEN).iterdir())


async def test_what_was_put_is_got_and_deleted(blobs: DiskBlobs, folder: Path) -> None:
    assert await blobs.get(DIGEST) is None
    await blobs.put(DIGEST, DATA)
    await blobs.put(DIGEST, DATA)
    assert await DiskBlobs(folder).get(DIGEST) == DATA
    assert half_written(folder) == []
    await blobs.delete(DIGEST)
    await blobs.delete(DIGEST)
    assert await blobs.get(DIGEST) is None


async def test_file_and_folders_are_fsynced_before_put_returns(
    blobs: DiskBlobs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.readlink(f"/proc/self/fd/{fd}")), fsync(fd)))
    await blobs.put(DIGEST, DATA)
    assert Path(synced[0]).parent == folder / HALF_WRITTEN
    assert [Path(each) for each in synced[1:]] == [folder / DIGEST[:2], folder, folder.parent]


async def test_a_damaged_file_is_as_good_as_none_and_the_next_put_mends_it(blobs: DiskBlobs, folder: Path) -> None:
    await blobs.put(DIGEST, DATA)
    (folder / DIGEST[:2] / DIGEST).write_bytes(DATA[:-1])
    assert await blobs.get(DIGEST) is None
    await blobs.put(DIGEST, DATA)
    assert await blobs.get(DIGEST) == DATA


@pytest.mark.parametrize("digest", ["../../etc/passwd", "", DIGEST.upper(), DIGEST + "\n", DIGEST[:-1]])
async def test_only_a_digest_names_a_file(blobs: DiskBlobs, digest: str) -> None:
    for call in (blobs.get, blobs.delete):
        with pytest.raises(ValueError, match="no SHA-256"):
            await call(digest)
    with pytest.raises(ValueError, match="no SHA-256"):
        await blobs.put(digest, DATA)


async def test_what_a_killed_process_left_half_written_goes_after_an_hour(blobs: DiskBlobs, folder: Path) -> None:
    (folder / HALF_WRITTEN).mkdir(parents=True)
    old, new = folder / HALF_WRITTEN / "old", folder / HALF_WRITTEN / "new"
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (0, old.stat().st_mtime - LEFT_BEHIND_S - 1))
    await blobs.put(DIGEST, DATA)
    assert half_written(folder) == [new]


async def test_a_folder_that_cannot_be_used_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BlobsUnavailable, match="can't be used"):
        await DiskBlobs(tmp_path / "file" / "maps").put(DIGEST, DATA)


def test_the_folder_is_what_the_settings_say(tmp_path: Path) -> None:
    assert isinstance(open_blobs(Settings(sourcemaps=Sourcemaps(dir=tmp_path))), DiskBlobs)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"s3_url": "s3.example.com"}, "must be https://"),
        ({"s3_url": "https://s3.example.com"}, "needs SLUICE_SOURCEMAPS_S3_BUCKET"),
        ({"s3_url": "https://s3.example.com", "s3_bucket": "b", "s3_key_id": "k"}, "S3_SECRET_KEY too"),
    ],
)
def test_half_a_bucket_is_refused_by_name(given: dict[str, object], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        open_blobs(Settings(sourcemaps=Sourcemaps(**given)))  # type: ignore[arg-type]
