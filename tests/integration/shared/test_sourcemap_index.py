"""The index of source maps in real Postgres, and their contents on a real disk."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from shared.audit import Actor
from shared.clients.postgres import Postgres, connect
from shared.projects import Project, create_project
from shared.sourcemaps.blobs import BlobsUnavailable
from shared.sourcemaps.disk import DiskBlobs
from shared.sourcemaps.index import ContentGone, Index, OverQuota, StoredFile
from shared.sourcemaps.store import Store

BY = Actor(kind="key", id="key_1", address="192.0.2.7")
DEBUG_ID = "85314830-023f-4cf1-a267-535f4e37bb17"


@pytest.fixture
async def postgres(migrated_postgres: str) -> AsyncIterator[Postgres]:
    with connect(migrated_postgres) as connection:
        for name in ("p", "q"):
            create_project(connection, Project(id=name, name=name))
    made = Postgres(migrated_postgres)
    yield made
    await made.close()


@pytest.fixture
def index(postgres: Postgres) -> Index:
    return Index(postgres)


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "maps")


def file_of(data: bytes, path: str = "a.js.map", debug_id: str = "") -> StoredFile:
    return StoredFile(path, sha256(data).hexdigest(), len(data), debug_id)


ONE, TWO = file_of(b"one"), file_of(b"two", "b.js.map", DEBUG_ID)


async def add(index: Index, project: str, release: str, files: list[StoredFile], quota: int | None = None) -> None:
    await index.add(project, release, files, await index.claim(files), quota, by=BY)


async def test_what_was_added_is_found_by_path_and_by_debug_id(index: Index) -> None:
    await add(index, "p", "r1", [ONE, TWO])
    assert await index.find("p", "r1", ["a.js.map", "b.js.map", "c.js.map"]) == {"a.js.map": ONE, "b.js.map": TWO}
    assert await index.find_debug_ids("p", [DEBUG_ID, ""]) == {DEBUG_ID: TWO}
    assert await index.has_release("p", "r1")
    assert not await index.has_release("p", "r2")
    (release,) = await index.releases("p")
    assert (release.release, release.files, release.bytes) == ("r1", 2, 6)


async def test_no_project_sees_or_deletes_what_another_one_has(index: Index) -> None:
    await add(index, "p", "r1", [ONE, TWO])
    assert await index.find("q", "r1", ["a.js.map"]) == {}
    assert await index.find_debug_ids("q", [DEBUG_ID]) == {}
    assert not await index.has_release("q", "r1")
    assert await index.releases("q") == []
    assert await index.remove("q", "r1", BY) == []
    await add(index, "q", "r1", [file_of(b"other")])
    assert await index.find("p", "r1", ["a.js.map"]) == {"a.js.map": ONE}


async def test_a_file_of_the_same_path_takes_over(index: Index) -> None:
    await add(index, "p", "r1", [ONE, TWO])
    await add(index, "p", "r1", [file_of(b"newer")])
    assert await index.find("p", "r1", ["a.js.map", "b.js.map"]) == {"a.js.map": file_of(b"newer"), "b.js.map": TWO}


async def test_a_debug_id_leads_to_the_map_rather_than_to_the_minified_file(index: Index) -> None:
    minified = file_of(b"var a", "b.js", DEBUG_ID)
    await add(index, "p", "r1", [TWO])
    await add(index, "p", "r2", [minified])
    assert await index.find_debug_ids("p", [DEBUG_ID]) == {DEBUG_ID: TWO}


async def test_a_content_is_deleted_only_when_no_project_has_it(index: Index, blobs: DiskBlobs) -> None:
    await blobs.put(ONE.digest, b"one")
    await add(index, "p", "r1", [ONE])
    await add(index, "q", "r9", [ONE])
    assert await index.collect(await index.remove("p", "r1", BY), blobs.delete) == 0
    assert await blobs.get(ONE.digest) == b"one"
    assert await index.collect(await index.remove("q", "r9", BY), blobs.delete) == 1
    assert await blobs.get(ONE.digest) is None


async def test_an_upload_whose_content_is_deleted_meanwhile_is_told(index: Index, blobs: DiskBlobs) -> None:
    claimed = await index.claim([ONE])
    await blobs.put(ONE.digest, b"one")
    await index.collect([ONE.digest], blobs.delete)
    with pytest.raises(ContentGone):
        await index.add("p", "r1", [ONE], claimed, by=BY)
    again = await index.claim([ONE])
    with pytest.raises(ContentGone):
        await index.add("p", "r1", [ONE], claimed, by=BY)  # who has claimed since may not have put it
    await blobs.put(ONE.digest, b"one")
    await index.add("p", "r1", [ONE], again, by=BY)
    assert await blobs.get(ONE.digest) == b"one"


async def test_a_deletion_by_a_gateway_that_counts_none_is_noticed(index: Index, migrated_postgres: str) -> None:
    claimed = await index.claim([ONE])
    with connect(migrated_postgres) as db:
        db.execute("UPDATE sourcemap_blobs SET deleted_at = now()")  # as before deletions were counted
    with pytest.raises(ContentGone):
        await index.add("p", "r1", [ONE], claimed, by=BY)


async def test_a_deletion_that_ends_halfway_is_told_and_ended_later(index: Index, blobs: DiskBlobs) -> None:
    async def away(digest: str) -> None:
        await blobs.delete(digest)
        raise BlobsUnavailable("no answer came")

    claimed = await index.claim([ONE])
    await blobs.put(ONE.digest, b"one")
    with pytest.raises(BlobsUnavailable):
        await index.collect([ONE.digest], away)
    with pytest.raises(ContentGone):
        await index.add("p", "r1", [ONE], claimed, by=BY)
    assert await index.unused(untouched_s=0) == [ONE.digest]


async def test_a_claim_waits_for_the_deletion_that_is_under_way(index: Index, blobs: DiskBlobs) -> None:
    await blobs.put(ONE.digest, b"one")
    await add(index, "p", "r1", [ONE])
    gone = await index.remove("p", "r1", BY)
    deleting, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(digest: str) -> None:
        deleting.set()
        await may_end.wait()
        await blobs.delete(digest)

    collecting = asyncio.create_task(index.collect(gone, slowly))
    await deleting.wait()
    claiming = asyncio.create_task(index.claim([ONE]))
    done, _ = await asyncio.wait({claiming}, timeout=0.3)
    assert not done
    may_end.set()
    await collecting
    await claiming
    await blobs.put(ONE.digest, b"one")
    await add(index, "p", "r1", [ONE])
    assert await blobs.get(ONE.digest) == b"one"


async def test_uploads_and_deletions_of_one_content_at_once_lose_nothing(index: Index, blobs: DiskBlobs) -> None:
    """Whoever was told that a release is stored finds its content, however many delete the same one beside it."""

    async def upload_then_delete(project: str, release: str) -> None:
        for _ in range(15):
            while True:
                claimed = await index.claim([ONE])
                await blobs.put(ONE.digest, b"one")
                try:
                    await index.add(project, release, [ONE], claimed, by=BY)
                    break
                except ContentGone:
                    continue
            assert await blobs.get(ONE.digest) == b"one"
            await index.collect(await index.remove(project, release, BY), blobs.delete)

    await asyncio.gather(*(upload_then_delete(project, f"r{n}") for project in "pq" for n in range(2)))
    assert await blobs.get(ONE.digest) is None


async def test_the_quota_counts_each_content_once_and_refuses_what_is_over_it(index: Index) -> None:
    await add(index, "p", "r1", [ONE, TWO], quota=6)
    await add(index, "p", "r2", [ONE], quota=6)
    with pytest.raises(OverQuota, match="7 bytes, of 6"):
        await add(index, "p", "r2", [file_of(b"x", "c.js.map")], quota=6)
    assert await index.find("p", "r2", ["c.js.map"]) == {}
    assert await index.stored_bytes("p") == 6


async def test_who_comes_second_over_the_quota_leaves_no_content(
    index: Index, blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def has_room(*_: object) -> None:
        """What it said before the other upload came."""

    async def content(file: StoredFile) -> bytes:
        return {ONE.digest: b"one", TWO.digest: b"two"}[file.digest]

    store = Store(blobs, index, project_bytes=5)
    await store.keep("p", "r1", [ONE], content, by=BY)
    monkeypatch.setattr(index, "check_room", has_room)
    with pytest.raises(OverQuota):
        await store.keep("p", "r1", [ONE, TWO], content, by=BY)
    assert await blobs.get(ONE.digest) == b"one"
    assert await blobs.get(TWO.digest) is None
    assert await index.find("p", "r1", ["a.js.map", "b.js.map"]) == {"a.js.map": ONE}


async def test_contents_without_a_file_are_known_by_their_claim(
    index: Index, blobs: DiskBlobs, migrated_postgres: str
) -> None:
    await index.claim([ONE, TWO])
    await add(index, "p", "r1", [TWO])
    assert await index.unused(untouched_s=3600) == []
    assert await index.unused(untouched_s=0) == [ONE.digest]
    with connect(migrated_postgres) as db:
        db.execute("UPDATE sourcemap_blobs SET touched_at = touched_at - interval '2 hours'")
    store = Store(blobs, index)
    await store.prune(timedelta(days=1), BY)
    assert await index.unused(untouched_s=0) == [ONE.digest]  # until nobody can be at its deletion any more
    with connect(migrated_postgres) as db:
        db.execute("UPDATE sourcemap_blobs SET deleted_at = deleted_at - interval '25 hours'")
    await store.prune(timedelta(days=1), BY)
    assert await index.unused(untouched_s=0) == []


async def test_a_removed_projects_files_go_with_it(index: Index, migrated_postgres: str) -> None:
    await add(index, "p", "r1", [ONE])
    with connect(migrated_postgres) as db:
        db.execute("DELETE FROM projects WHERE id = 'p'")
    assert not await index.has_release("p", "r1")
    assert await index.unused(untouched_s=0) == [ONE.digest]


async def test_files_are_found_by_their_name_in_any_folder_of_the_release(index: Index) -> None:
    files = [file_of(b"1", path) for path in ("page.js.map", "a/page.js.map", "b/c/page.js.map", "a/mypage.js.map")]
    await add(index, "p", "r1", files)
    await add(index, "p", "r2", [file_of(b"2", "other/page.js.map")])
    await add(index, "q", "r1", [file_of(b"3", "theirs/page.js.map")])
    found = await index.find_named("p", "r1", ["page.js.map", "x.js.map"])
    assert [file.path for file in found] == ["a/page.js.map", "b/c/page.js.map", "page.js.map"]
