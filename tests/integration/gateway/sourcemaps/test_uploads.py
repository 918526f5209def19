"""Source maps come in, are found, replaced and removed, each project's for itself."""

import asyncio
import gzip
import re

import httpx

from tests.integration.gateway.sourcemaps.conftest import ROUTE, Sender
from tests.integration.gateways import Gateways
from tests.unit.gateway.sourcemaps.forms import CONTENT_TYPE, DEBUG_ID, source_map, upload

ONE, TWO = source_map(file="one"), source_map(file="two", debugId=DEBUG_ID.upper())


async def counts(shop: Sender) -> list[float]:
    """Uploads accepted, files, bytes."""
    metrics = (await shop.client.get("/metrics")).text
    names = (
        r'sluice_requests_total\{outcome="accepted",route="/ingest/sourcemaps"\}',
        "sluice_sourcemap_files_total",
        "sluice_sourcemap_bytes_total",
    )
    return [float(found[1]) if (found := re.search(f"^{name} (.+)$", metrics, re.M)) else 0 for name in names]


async def test_an_upload_is_answered_stored_and_counted(shop: Sender) -> None:
    before = await counts(shop)
    script = f"x=1\n//# debugId={DEBUG_ID}\n".encode()
    files = [("static/chunks/a.js.map", TWO), ("static/chunks/a.js", script), ("server/app/page.js.map", ONE)]
    answer = await shop.post(upload("1.0", files))
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "release": "1.0", "count": 3})
    assert list(answer.json()) == ["ok", "release", "count"]
    assert answer.headers["x-request-id"]
    assert answer.headers["x-ratelimit-limit"] == "5000"
    for path, content in files:
        assert await shop.content("1.0", path) == content
    by_id = await shop.index.find_debug_ids(shop.project_id, [DEBUG_ID])
    assert by_id[DEBUG_ID].path == "static/chunks/a.js.map"
    grown = [after - before for after, before in zip(await counts(shop), before, strict=True)]
    assert grown == [1, 3, sum(len(content) for _, content in files)]


async def test_packed_uploads_are_unpacked(shop: Sender) -> None:
    answer = await shop.post(gzip.compress(upload("1.0")), content_encoding="gzip")
    assert answer.status_code == 200
    assert await shop.content("1.0", "static/a.js.map") == source_map()


async def test_several_uploads_make_one_release_and_a_newer_file_takes_over(shop: Sender) -> None:
    await shop.upload("1.0", a=ONE, b=TWO)
    assert (await shop.upload("1.0", a=TWO, c=ONE)).json()["count"] == 2
    assert await shop.content("1.0", "a.js.map") == TWO
    assert await shop.content("1.0", "b.js.map") == TWO
    assert await shop.content("1.0", "c.js.map") == ONE
    await shop.upload("1.0", c=TWO)
    assert len(shop.stored()) == 1


async def test_a_public_key_adds_but_neither_replaces_nor_removes(shop: Sender) -> None:
    public = {"Authorization": f"Bearer {shop.another_key('pk')}"}
    await shop.upload("1.0", a=ONE)
    added = await shop.client.post(
        ROUTE,
        content=upload("1.0", [("a.js.map", ONE), ("b.js.map", ONE)]),
        headers={**public, "Content-Type": CONTENT_TYPE},
    )
    assert added.status_code == 200  # the same file again is no other
    replacing = await shop.client.post(
        ROUTE,
        content=upload("1.0", [("a.js.map", TWO), ("c.js.map", TWO)]),
        headers={**public, "Content-Type": CONTENT_TYPE},
    )
    removing = await shop.client.delete(f"{ROUTE}/1.0", headers=public)
    for refused in (replacing, removing):
        assert (refused.status_code, refused.json()["error"][:13]) == (403, "A pk_ key may")
    assert await shop.content("1.0", "a.js.map") == ONE
    assert await shop.index.find(shop.project_id, "1.0", ["c.js.map"]) == {}
    assert len(shop.stored()) == 1  # and nothing of the refused upload is left


async def test_a_release_is_removed_whole_and_alone(shop: Sender) -> None:
    for release in ("web@1.0/b", "2.0"):
        await shop.upload(release, a=ONE)
    await shop.upload("web@1.0/b", b=TWO)
    answer = await shop.delete("web@1.0%2Fb")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "release": "web@1.0/b", "count": 2})
    assert not await shop.index.has_release(shop.project_id, "web@1.0/b")
    assert await shop.content("2.0", "a.js.map") == ONE
    assert len(shop.stored()) == 1
    again = await shop.delete("web@1.0/b/")
    assert (again.status_code, again.json()) == (404, {"error": "The project has no source maps of this release"})
    assert (await shop.delete("a%00b")).status_code == 404


async def test_no_project_reads_replaces_or_removes_what_another_one_has(shop: Sender, rival: Sender) -> None:
    await shop.upload("1.0", a=ONE)
    assert await rival.content("1.0", "a.js.map") is None
    assert (await rival.delete("1.0")).status_code == 404
    await rival.upload("1.0", a=TWO)
    assert await shop.content("1.0", "a.js.map") == ONE
    assert (await rival.delete("1.0")).json()["count"] == 1
    assert await shop.content("1.0", "a.js.map") == ONE


async def test_a_content_that_both_have_goes_with_the_last_one(shop: Sender, rival: Sender) -> None:
    await shop.upload("1.0", a=ONE)
    await rival.upload("9.0", z=ONE)
    await shop.delete("1.0")
    assert await rival.content("9.0", "z.js.map") == ONE
    await rival.delete("9.0")
    assert shop.stored() == set()


async def test_uploads_and_removals_of_one_content_at_once_lose_nothing(shop: Sender, rival: Sender) -> None:
    async def again_and_again(sender: Sender) -> None:
        for _ in range(8):
            assert (await sender.upload("1.0", a=ONE)).status_code == 200
            assert await sender.content("1.0", "a.js.map") == ONE
            assert (await sender.delete("1.0")).status_code == 200

    await asyncio.gather(again_and_again(shop), again_and_again(rival))
    assert shop.stored() == set()


async def test_the_quota_is_named_and_freed_by_removing(shop: Sender) -> None:
    large = [source_map(sourcesContent=[str(n) * 80_000]) for n in range(3)]
    await shop.upload("1.0", a=large[0], b=large[1])
    answer = await shop.upload("2.0", a=large[2])
    assert answer.status_code == 413
    assert re.fullmatch(
        r"The project's quota of source maps is used up: with this upload it would have 240,\d+ bytes,"
        r" of 200,000 allowed; delete releases that are no longer used",
        answer.json()["error"],
    )
    assert len(shop.stored()) == 2
    assert (await shop.upload("2.0", a=large[1])).status_code == 200  # which it has
    assert (await shop.upload("1.0", a=large[2])).status_code == 200  # instead of the one before
    await shop.delete("1.0")
    assert (await shop.upload("3.0", a=large[0])).status_code == 200


async def test_only_a_key_with_the_ingest_scope_may(running: Gateways, shop: Sender) -> None:
    reading = shop.another_key(scopes=["read"])
    browser = shop.another_key(origins=["https://app.example.com"])
    body, content_type = upload(), {"content-type": CONTENT_TYPE.decode()}
    async with httpx.AsyncClient(base_url=running.url) as client:
        for headers, status, error in (
            ({}, 401, "Missing or invalid API key"),
            ({"authorization": "Bearer dt_unknown"}, 401, "Missing or invalid API key"),
            ({"x-api-key": reading}, 403, "API key lacks the ingest scope"),
            ({"x-api-key": browser, "origin": "https://evil.example"}, 403, "Origin not allowed"),
        ):
            for answer in (
                await client.post(ROUTE, content=body, headers=headers | content_type),
                await client.delete(f"{ROUTE}/1.0", headers=headers),
            ):
                assert (answer.status_code, answer.json()) == (status, {"error": error})
        assert not await shop.index.has_release(shop.project_id, "1.0")
        page = {"x-api-key": browser, "origin": "https://app.example.com"} | content_type
        answer = await client.post(ROUTE + "/", content=body, headers=page)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        asked = await client.options(ROUTE, headers={"origin": "https://app.example.com"})
        assert (asked.status_code, asked.headers["access-control-allow-methods"]) == (204, "POST")
        assert (await client.get(f"{ROUTE}/1.0")).headers["allow"] == "DELETE"


async def test_uploads_count_towards_the_keys_minute(running: Gateways) -> None:
    limited = Sender(running, ingest_limit=2)
    assert [(await limited.upload("1.0", a=ONE)).status_code for _ in range(3)] == [200, 200, 429]
    assert (await limited.delete("1.0")).status_code == 429
    await limited.close()
