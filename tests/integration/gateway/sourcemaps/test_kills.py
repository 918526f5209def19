"""Whatever is killed or away: a 2xx is kept whole, and of anything else nothing is found."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from deploy.local.postgres import Postgres as PostgresServer
from tests.integration.gateway.sourcemaps.conftest import Sender
from tests.integration.gateways import Gateways, gateways
from tests.integration.stack import wait_until
from tests.unit.gateway.sourcemaps.forms import source_map

ONE, TWO = source_map(file="one"), source_map(file="two")


@pytest.fixture
async def running(tmp_path: Path, postgres_database: str, redis_url: str) -> AsyncIterator[Gateways]:
    async with gateways(tmp_path, postgres_database, redis_url) as made:
        yield made


async def test_a_gateway_killed_between_content_and_row_leaves_nothing_half(running: Gateways, shop: Sender) -> None:
    await shop.upload("1.0", a=ONE)
    with psycopg.connect(shop.url) as holding, psycopg.connect(shop.url, autocommit=True) as looking:
        holding.execute("SELECT FROM projects WHERE id = %s FOR UPDATE", [shop.project_id])
        uploading = asyncio.create_task(shop.upload("1.0", a=TWO, b=TWO))
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%FROM projects%%'"
        await asyncio.to_thread(
            wait_until,
            lambda: len(shop.stored()) == 2 and looking.execute(waiting).rowcount,
            60,
            "a content without a row",
        )
        running.kill()
        with pytest.raises(httpx.HTTPError):
            await uploading
        holding.rollback()
    assert await shop.content("1.0", "a.js.map") == ONE
    assert await shop.content("1.0", "b.js.map") is None
    assert len(await shop.index.unused(untouched_s=0)) == 1  # known, and so deleted one day
    await running.start()
    assert (await shop.upload("1.0", a=TWO, b=TWO)).status_code == 200
    assert await shop.content("1.0", "a.js.map") == await shop.content("1.0", "b.js.map") == TWO
    assert len(shop.stored()) == 1


async def test_what_was_answered_is_there_after_a_kill(running: Gateways, shop: Sender) -> None:
    assert (await shop.upload("1.0", a=ONE, b=TWO)).status_code == 200
    running.kill()
    assert await shop.content("1.0", "a.js.map") == ONE
    assert await shop.content("1.0", "b.js.map") == TWO


async def test_a_storage_that_cannot_be_used_is_told_503_and_nothing_is_found(shop: Sender) -> None:
    shutil.rmtree(shop.folder, ignore_errors=True)
    shop.folder.write_text("no folder")
    answer = await shop.upload("1.0", a=ONE)
    assert (answer.status_code, answer.json()) == (503, {"error": "Service temporarily unavailable"})
    assert answer.headers["retry-after"]
    assert not await shop.index.has_release(shop.project_id, "1.0")
    shop.folder.unlink()
    assert (await shop.upload("1.0", a=ONE)).status_code == 200


async def test_a_removal_holds_though_the_contents_cannot_be_deleted_yet(shop: Sender) -> None:
    await shop.upload("1.0", a=ONE)
    (digest,) = shop.stored()
    file = shop.folder / digest[:2] / digest
    file.unlink()
    file.mkdir()  # which can't be unlinked
    assert (await shop.delete("1.0")).status_code == 200
    assert not await shop.index.has_release(shop.project_id, "1.0")
    assert await shop.index.unused(untouched_s=0) == [digest]
    file.rmdir()
    assert await shop.index.collect([digest], shop.blobs.delete) == 1


async def test_with_postgres_away_nothing_is_acknowledged(
    own_postgres: Callable[..., PostgresServer], redis_url: str, tmp_path: Path
) -> None:
    server = own_postgres()
    async with gateways(tmp_path, server.url, redis_url) as running:
        shop = Sender(running)
        assert (await shop.upload("1.0", a=ONE)).status_code == 200
        server.kill()
        for answer in (await shop.upload("1.0", a=TWO), await shop.delete("1.0")):
            assert (answer.status_code, answer.json()) == (503, {"error": "Service temporarily unavailable"})
        server.start()
        assert await shop.content("1.0", "a.js.map") == ONE
        assert (await shop.upload("1.0", a=TWO)).status_code == 200
        await shop.close()


async def test_prune_deletes_what_is_old_and_what_nobody_has(running: Gateways, shop: Sender) -> None:
    for release in ("old", "new"):
        await shop.upload(release, a=source_map(file=release), b=ONE)
    with psycopg.connect(shop.url) as db:
        db.execute("UPDATE sourcemap_files SET uploaded_at = now() - interval '91 days' WHERE release = 'old'")
    pruned = await running.sluice("sourcemaps", "prune", "--older-than", "90d")
    assert pruned == {"pruned": [{"project_id": shop.project_id, "release": "old", "files": 2}]}
    assert await shop.content("old", "b.js.map") is None
    assert await shop.content("new", "b.js.map") == ONE
    assert len(shop.stored()) == 2
    with psycopg.connect(shop.url) as db:
        db.execute("DELETE FROM projects WHERE id = %s", [shop.project_id])
        db.execute("UPDATE sourcemap_blobs SET touched_at = now() - interval '2 hours'")
    assert await running.sluice("sourcemaps", "prune", "--older-than", "90d") == {"pruned": []}
    assert shop.stored() == set()


async def test_list_and_delete_for_people(running: Gateways, shop: Sender) -> None:
    await shop.upload("1.0", a=ONE, b=TWO)
    (release,) = (await running.sluice("sourcemaps", "list"))["releases"]
    assert release.pop("uploaded_at")
    assert release == {"project_id": shop.project_id, "release": "1.0", "files": 2, "bytes": len(ONE) + len(TWO)}
    deleting = ("sourcemaps", "delete", "1.0", "--project", shop.project_id)
    assert await running.sluice(*deleting) == {"project_id": shop.project_id, "release": "1.0", "files": 2}
    assert shop.stored() == set()
    with pytest.raises(AssertionError, match="has no source maps of the release"):
        await running.sluice(*deleting)
