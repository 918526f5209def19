"""Which stored paths a frame's file may have."""

import pytest

from gateway.mapping.paths import beside, candidates, fitting, is_foreign, is_source, path_of

CHUNK = "static/chunks/app/page-9f8e7d6c5b4a.js"


@pytest.mark.parametrize(
    ("file", "path"),
    [
        (f"https://shop.example/_next/{CHUNK}?v=1#x", f"_next/{CHUNK}"),
        ("http://127.0.0.1:3000/a.js", "a.js"),
        ("/var/task/.next/server/app/page.js", "var/task/.next/server/app/page.js"),
        ("file:///srv/app/main.mjs", "srv/app/main.mjs"),
        ("C:\\srv\\app\\main.js", "srv/app/main.js"),
        ("app:///./x/../main.jsbundle", "x/main.jsbundle"),
        ("main.js", "main.js"),
        ("https://shop.example", ""),
    ],
)
def test_a_path_has_no_host_no_query_and_no_dots(file: str, path: str) -> None:
    assert path_of(file) == path


def test_the_longest_end_of_a_path_comes_first() -> None:
    assert candidates(f"_next/{CHUNK}") == [
        "_next/static/chunks/app/page-9f8e7d6c5b4a.js",
        "static/chunks/app/page-9f8e7d6c5b4a.js",
        "chunks/app/page-9f8e7d6c5b4a.js",
        "app/page-9f8e7d6c5b4a.js",
        "page-9f8e7d6c5b4a.js",
    ]


def test_a_name_alone_is_enough_only_with_a_hash_or_where_nothing_else_is_known() -> None:
    assert candidates("server/app/page.js") == ["server/app/page.js", "app/page.js"]
    assert candidates("page.js") == ["page.js"]


def test_a_librarys_file_is_not_one_of_the_build_by_its_name() -> None:
    assert candidates("app/node_modules/x/dist/index.js") == [
        "app/node_modules/x/dist/index.js",
        "node_modules/x/dist/index.js",
    ]


def test_encoded_paths_are_looked_for_as_they_are_and_decoded() -> None:
    encoded = "static/chunks/app/(shop)/%5Bid%5D/page.js"
    found = candidates(f"_next/{encoded}")
    assert found[0].startswith("_next/")
    assert {encoded, "static/chunks/app/(shop)/[id]/page.js"} < set(found)
    assert found.index("static/chunks/app/(shop)/[id]/page.js") < found.index("chunks/app/(shop)/[id]/page.js")


def test_no_path_holds_nul() -> None:
    assert not any("\0" in each for each in candidates("a/%00/b%00.js"))
    assert beside("a.js", "%00.map") == "\ufffd.map"


def test_a_deep_path_has_a_bounded_number_of_candidates() -> None:
    assert len(candidates("x/" * 10_000 + "page.js")) < 64


def test_stored_paths_may_have_a_folder_more() -> None:
    assert fitting("assets/a.js", ["dist/assets/a.js"]) == ["dist/assets/a.js"]
    assert fitting("base/a.js", ["dist/a.js"]) == []
    assert fitting("base/a-1f2e3d4c.js", ["dist/a-1f2e3d4c.js"]) == ["dist/a-1f2e3d4c.js"]
    assert fitting("srv/dist/main.js", ["main.js"]) == ["main.js"]
    assert fitting("srv/dist/main.js", ["main.js", "workers/main.js"]) == []
    assert fitting("page.js", ["a/page.js", "b/page.js"]) == ["a/page.js", "b/page.js"]
    assert fitting("node_modules/x/index.js", ["index.js"]) == []


@pytest.mark.parametrize(
    "file",
    ["<anonymous>", "node:internal/fs", "internal/process/x.js", "[native code]", "native", "VM12", "index 0",
     "chrome-extension://abc/x.js", "moz-extension://abc/x.js", "evalmachine.<anonymous>", "blob:https://x/1", ""],
)  # fmt: skip
def test_what_is_no_built_file(file: str) -> None:
    assert is_foreign(file)


@pytest.mark.parametrize("file", [f"https://x.example/{CHUNK}", "/srv/native/x.js", "unknown-lib.js", "internal.js"])
def test_what_may_be_a_built_file(file: str) -> None:
    assert not is_foreign(file)
    assert not is_source(file)


@pytest.mark.parametrize(
    "file", ["webpack-internal:///(rsc)/./src/x.js", "/srv/src/cart.ts", "webpack://shop/./src/a.js", "a/Cart.vue?v=1"]
)
def test_what_is_the_source_already(file: str) -> None:
    assert is_source(file)


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("page.js.map", "static/app/page.js.map"),
        ("../maps/page.map?v=1", "static/maps/page.map"),
        ("/maps/%5Bid%5D.map", "maps/[id].map"),
        ("../../../secret.map", None),
        ("https://maps.example/page.map", None),
        ("data:application/json;base64,e30=", None),
    ],
)
def test_the_map_that_a_file_names_stays_in_the_build_folder(named: str, path: str | None) -> None:
    assert beside("static/app/page.js", named) == path
