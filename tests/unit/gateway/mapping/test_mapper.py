"""The frames of an event by maps that were uploaded, read in the real process beside."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

import gateway.mapping.mapper
from gateway.mapping.answers import Mapped, Outcome, Unmapped
from gateway.mapping.mapper import StoredMapper, Wanted
from shared.fingerprint import v2
from shared.fingerprint.v2.model import Place
from tests.bundles import MemoryBlobs, MemoryIndex, built, maps_of

CHUNK = "static/chunks/app/page-8776e4edf4addcce.js"
URL = f"https://shop.example/_next/{CHUNK}?v=1"
ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@dataclass
class Shop:
    """A mapper over stores in memory."""

    index: MemoryIndex
    blobs: MemoryBlobs
    mapper: StoredMapper

    async def map(
        self, *places: Place, release: str = "1", project_id: str = "p", debug_ids: dict[str, str] | None = None
    ) -> list[Outcome]:
        return (await self.mapper.map(Wanted(project_id, release, debug_ids or {}), [list(places)]))[0]

    async def one(self, file: str = URL, line: int = 1, column: int = 474, **event: Any) -> Outcome:
        return (await self.map(Place("h", file, line, column), **event))[0]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    blobs = MemoryBlobs()
    index: Any = MemoryIndex(blobs)
    made = Shop(index, blobs, StoredMapper(index, blobs))
    yield made
    await made.mapper.close()


def said(outcome: Outcome) -> str:
    return f"{outcome.source.rpartition('/')[2]}:{outcome.line}" if isinstance(outcome, Mapped) else outcome.status


async def test_the_map_of_a_release_maps_its_frames(shop: Shop) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    outcome = await shop.one()
    assert isinstance(outcome, Mapped)
    assert (outcome.source, outcome.line, outcome.column) == ("webpack://shop/./src/cart.ts", 22, 11)
    assert (outcome.in_app, outcome.map) == (True, f"{CHUNK}.map")
    assert outcome.context_line.startswith("    throw new RangeError(")


async def test_a_function_has_the_name_by_which_its_caller_calls_it(shop: Shop) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    positions = (474, 543, 427, 654, 694)
    found = await shop.map(*(Place("", URL, 1, column) for column in positions))
    assert [each.function for each in found if isinstance(each, Mapped)] == [
        "priceOf",
        "reduce",  # without the frame of Array.reduce between them
        "total",
        "checkout",
        "",
    ]


async def test_a_function_without_a_name_is_not_named_after_what_it_is_passed_to(shop: Shop) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    firefox = f"total/<@{URL}:1:543\ntotal@{URL}:1:427\ni@{URL}:1:654\n@{URL}:1:694\n"
    reading = v2.read("", firefox)
    found = await shop.map(*(reading.language.place(call) for call in reading.thrown[0].calls))
    assert [said(each) for each in found] == ["cart.ts:16", "cart.ts:16", "main.ts:8", "main.ts:16"]
    assert [each.function for each in found if isinstance(each, Mapped)] == ["", "total", "checkout", ""]


async def test_a_function_is_not_named_after_what_a_library_calls_it(shop: Shop) -> None:
    sources = ["webpack://shop/./src/tag.tsx", "webpack://shop/./node_modules/react-dom/client.js"]
    content = {"version": 3, "sources": sources, "names": ["Component"], "mappings": "AAAA,UCAAA"}
    shop.index.upload("p", "1", {f"{CHUNK}.map": json.dumps(content).encode()})
    found = await shop.map(Place("x", URL, 1, 1), Place("zo", URL, 1, 11))
    assert [(said(each), each.function) for each in found if isinstance(each, Mapped)] == [
        ("tag.tsx:1", ""),
        ("client.js:1", ""),
    ]


async def test_the_built_code_names_the_functions_where_it_is_stored_too(shop: Shop) -> None:
    shop.index.upload("p", "1", built("esbuild"))
    found = await shop.map(*(Place("", "https://x.example/main.js", 1, column) for column in (616, 557, 859)))
    assert [each.function for each in found if isinstance(each, Mapped)] == ["priceOf", "Cart.total", "checkout"]


async def test_what_is_not_uploaded_is_said_and_mapped_once_it_is(shop: Shop) -> None:
    assert said(await shop.one()) == "no_map_for_release"
    shop.index.upload("p", "1", maps_of("esbuild"))
    outcome = await shop.one()
    assert isinstance(outcome, Unmapped)
    assert outcome.status == "no_such_file"
    assert f"upload _next/{CHUNK}.map" in outcome.reason
    shop.index.upload("p", "1", maps_of("webpack"))
    assert said(await shop.one()) == "cart.ts:22"


async def test_another_project_and_another_release_have_maps_of_their_own(shop: Shop) -> None:
    shop.index.upload("q", "1", maps_of("webpack"))
    shop.index.upload("p", "2", maps_of("webpack"))
    assert said(await shop.one()) == "no_map_for_release"
    assert said(await shop.one(release="")) == "no_release"
    assert said(await shop.one(release="2")) == "cart.ts:22"


async def test_one_content_is_read_once_for_whoever_has_it(shop: Shop) -> None:
    for project_id in ("p", "q"):
        shop.index.upload(project_id, "1", maps_of("webpack"))
        assert said(await shop.one(project_id=project_id)) == "cart.ts:22"
    assert shop.blobs.n_got == 1


@pytest.mark.parametrize(
    ("place", "status"),
    [
        (Place("map", "<anonymous>"), "runtime"),
        (Place("run", "node:vm", 137, 12), "runtime"),
        (Place("f"), "no_position"),
        (Place("f", URL, 1), "no_position"),
        (Place("f", "webpack-internal:///(rsc)/./src/x.js", 1, 1), "is_source"),
        (Place("f", URL, 99, 1), "line_beyond"),
        (Place("f", URL, 1, 802), "no_source"),
        (Place("f", "https://shop.example/other.js", 1, 1), "no_such_file"),
    ],
)
async def test_each_frame_says_why_it_is_not_mapped(shop: Shop, place: Place, status: str) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    (outcome,) = await shop.map(place)
    assert isinstance(outcome, Unmapped)
    assert outcome.status == status
    assert outcome.reason.endswith((".", "'."))


@pytest.mark.parametrize(
    ("stored", "file"),
    [
        ("server/app/page.js", "/var/task/.next/server/app/page.js"),
        ("static/chunks/app/(shop)/[id]/page.js", "https://x.example/_next/static/chunks/app/(shop)/%5Bid%5D/page.js"),
        ("static/chunks/app/(shop)/%5Bid%5D/page.js", "https://x.example/static/chunks/app/(shop)/%5Bid%5D/page.js"),
        ("dist/assets/index.js", "https://x.example/assets/index.js"),
        ("dist/main-0a1b2c3d.js", "https://cdn.example/v7/main-0a1b2c3d.js"),
        ("main.js", "C:\\srv\\dist\\main.js"),
    ],
)
async def test_the_path_of_a_map_is_an_end_of_the_frames_path(shop: Shop, stored: str, file: str) -> None:
    (content,) = maps_of("webpack").values()
    shop.index.upload("p", "1", {f"{stored}.map": content})
    assert said(await shop.one(file)) == "cart.ts:22"


async def test_the_longest_end_wins(shop: Shop) -> None:
    (one,), (other,) = maps_of("esbuild").values(), maps_of("webpack").values()
    shop.index.upload("p", "1", {"app/page.js.map": one, "server/app/page.js.map": other})
    outcome = await shop.one("/var/task/.next/server/app/page.js")
    assert isinstance(outcome, Mapped)
    assert outcome.map == "server/app/page.js.map"


async def test_where_several_maps_fit_none_is_guessed(shop: Shop) -> None:
    (one,), (other,) = maps_of("esbuild").values(), maps_of("webpack").values()
    shop.index.upload("p", "1", {"a/main.js.map": one, "b/main.js.map": other})
    outcome = await shop.one("main.js")
    assert isinstance(outcome, Unmapped)
    assert outcome.status == "ambiguous"
    assert "a/main.js.map, b/main.js.map" in outcome.reason
    assert said(await shop.one("/srv/x/main.js")) == "no_such_file"
    shop.index.upload("p", "1", {"a/main.js.map": other})
    assert said(await shop.one("main.js")) == "cart.ts:22"  # one content under two names


async def test_a_built_file_may_name_its_map(shop: Shop) -> None:
    code, content = built("webpack").values()
    renamed = code.replace(b"page-8776e4edf4addcce.js.map", b"../maps/page.json")
    shop.index.upload("p", "1", {"static/app.js": renamed, "maps/page.json": content})
    assert said(await shop.one("https://x.example/static/app.js")) == "cart.ts:22"


async def test_debug_ids_find_the_map_whatever_path_and_release_it_has(shop: Shop) -> None:
    (content,) = maps_of("webpack").values()
    shop.index.upload("p", "7", {"x.map": content}, {"x.map": ID})
    assert said(await shop.one(release="", debug_ids={URL: ID})) == "cart.ts:22"
    assert said(await shop.one(project_id="q", debug_ids={URL: ID})) == "no_map_for_release"


async def test_a_built_file_may_have_the_debug_id_of_its_map(shop: Shop) -> None:
    code, content = built("webpack").values()
    shop.index.upload("p", "1", {"static/app.js": code, "elsewhere.map": content}, dict.fromkeys(
        ("static/app.js", "elsewhere.map"), ID
    ))  # fmt: skip
    assert said(await shop.one("https://x.example/static/app.js")) == "cart.ts:22"


async def test_stores_that_are_away_leave_frames_unmapped(shop: Shop) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    shop.blobs.is_away = True
    assert said(await shop.one()) == "try_again"
    shop.blobs.is_away, shop.index.is_away = False, True
    assert said(await shop.one()) == "try_again"
    shop.index.is_away = False
    assert said(await shop.one()) == "cart.ts:22"


async def test_a_map_whose_content_is_gone_is_unreadable(shop: Shop) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    shop.blobs.held.clear()
    assert said(await shop.one()) == "map_unreadable"


async def test_without_the_library_the_frames_say_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.mapping.mapper, "find_spec", lambda _: None)
    bare = Shop(shop.index, shop.blobs, StoredMapper(shop.index, shop.blobs))  # type: ignore[arg-type]
    outcome = await bare.one()
    assert isinstance(outcome, Unmapped)
    assert outcome.status == "not_installed"
    assert "pip install 'sluice[sourcemaps]'" in outcome.reason
    assert said((await bare.map(Place("map", "<anonymous>")))[0]) == "runtime"


async def test_an_endless_stack_is_mapped_up_to_a_bound(shop: Shop) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    found = await shop.map(*(Place("", URL, 1, 200 + n) for n in range(150)))
    assert sum(said(each) == "too_many_frames" for each in found) == 50
    found = await shop.map(*(Place("", f"https://x.example/{n}.js", 1, 1) for n in range(30)))
    assert sum(said(each) == "too_many_frames" for each in found) == 10


async def test_a_recursion_counts_once(shop: Shop) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    found = await shop.map(*[Place("", URL, 1, 474)] * 500)
    assert {said(each) for each in found} == {"cart.ts:22"}


async def test_each_error_of_a_chain_has_its_frames(shop: Shop) -> None:
    shop.index.upload("p", "1", maps_of("webpack"))
    stacks: Sequence[Sequence[Place]] = [[Place("", URL, 1, 654)], [], [Place("", URL, 1, 474)]]
    found = await shop.mapper.map(Wanted("p", "1", {}), stacks)
    assert [[said(each) for each in stack] for stack in found] == [["main.ts:8"], [], ["cart.ts:22"]]


async def test_many_readers_at_once_get_their_own_answers(shop: Shop) -> None:
    for project_id in ("p", "q"):
        shop.index.upload(project_id, "1", maps_of("webpack"))
    asked = [shop.one(column=column, project_id="pq"[n % 2]) for n, column in enumerate((474, 543, 427, 654) * 5)]
    assert [said(each) for each in await asyncio.gather(*asked)] == [
        *(["cart.ts:22", "cart.ts:16", "cart.ts:16", "main.ts:8"] * 5)
    ]
