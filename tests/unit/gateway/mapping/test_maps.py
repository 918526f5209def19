"""Source maps that real build tools made, read and looked up; and how many of them are kept."""

import json
from typing import Any

import pytest

from gateway.mapping.maps import LONGEST_LINE, Maps, SourceMap, Unreadable
from shared.fingerprint import v2
from shared.fingerprint.v2.model import Place
from tests.bundles import NAMES, built, stack


def read(name: str, *, with_code: bool = False) -> SourceMap:
    files = built(name)
    code = next(content for path, content in files.items() if path.endswith(".js"))
    content = next(content for path, content in files.items() if path.endswith(".map"))
    return SourceMap(content, code if with_code else b"")


def places(name: str) -> list[Place]:
    reading = v2.read("", stack(name))
    return [reading.language.place(call) for call in reading.thrown[0].calls]


@pytest.mark.parametrize("name", NAMES)
def test_each_frame_of_a_minified_bundle_has_its_place_in_the_sources(name: str) -> None:
    # The first line of the sources, the minified line and the message hold characters outside the BMP, before most of
    # the columns: they count in UTF-16.
    found = [read(name).token(place.line, place.column) for place in places(name) if place.column]
    assert [(each.source.rpartition("/")[2], each.line) for each in found if each] == [
        ("cart.ts", 22),
        ("cart.ts", 16),
        ("cart.ts", 16),
        ("main.ts", 8),
        ("main.ts", 16),
        *([("main.ts", 19)] if name == "esbuild" else []),
    ]
    first = found[0]
    assert first is not None
    assert first.context_line == "    throw new RangeError(`🛒🛒🛒 price of ${item.id} is negative`);"
    assert first.before[-1] == "  if (item.price < 0) {"
    assert first.after[0] == "  }"


def test_the_column_is_that_of_the_call() -> None:
    token = read("webpack").token(1, 543)
    assert token is not None
    line = "    return this.items.reduce((sum, item) => sum + priceOf(item), 0);"
    assert (token.context_line, token.column, token.name) == (line, line.index("priceOf") + 1, "priceOf")


@pytest.mark.parametrize("name", NAMES)
def test_the_built_code_tells_the_functions(name: str) -> None:
    found = [read(name, with_code=True).token(place.line, place.column) for place in places(name) if place.column]
    functions = [each.function for each in found if each]
    assert functions[2:4] == ["Cart.total", "checkout"]
    assert functions[0] == ("" if name == "webpack" else "priceOf")  # webpack made it a function without a name


def test_windows_line_ends_and_the_first_column() -> None:
    first = read("first")
    at_boom, at_call = first.token(3, 9), first.token(5, 1)
    assert at_boom is not None
    assert at_call is not None
    assert (at_boom.line, at_boom.column, at_boom.context_line) == (2, 9, '  throw new Error("first");')
    assert (at_call.line, at_call.column, at_call.context_line) == (5, 1, "boom();")
    assert at_call.before == ["function boom() {", '  throw new Error("first");', "}", ""]


def test_a_line_beyond_has_no_token_and_the_lines_are_counted() -> None:
    first = read("first")
    assert first.lines == 5
    assert first.token(6, 1) is None
    for position in [(0, 0), (1, 0), (0, 1), (2**32, 1), (1, 2**40), (500, 7)]:
        assert first.token(*position) is None


def test_an_index_of_maps_counts_the_lines_of_its_sections() -> None:
    one = json.loads(built("first")["first.js.map"])
    sections = [{"offset": {"line": line, "column": 0}, "map": one} for line in (0, 10)]
    whole = SourceMap(json.dumps({"version": 3, "sections": sections}).encode(), b"")
    assert whole.lines == 15
    token = whole.token(13, 9)
    assert token is not None
    assert token.line == 2


def test_the_line_that_guards_json_from_being_run_is_passed_over() -> None:
    assert SourceMap(b")]}'\n" + built("first")["first.js.map"], b"").lines == 5


def test_a_long_line_of_a_source_is_cut_around_the_column() -> None:
    source = "x" * 5000 + "here" + "y" * 5000
    content = {"version": 3, "sources": ["a.js"], "names": [], "mappings": "AAAA,CAAwxJ", "sourcesContent": [source]}
    token = SourceMap(json.dumps(content).encode(), b"").token(1, 2)
    assert token is not None
    assert len(token.context_line) == LONGEST_LINE
    assert "here" in token.context_line


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"map"', b'{"version":3,"sources":[],"names":[],"mappings":"!!"}',
     b"\xff\xfe", b'{"version":3,"sources":["a"],"names":[],"mappings":7}', b"[" * 100_000,
     b'{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":' * 500],
)  # fmt: skip
def test_what_is_no_map_is_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable):
        SourceMap(content, b"")


def test_a_temporary_file_that_can_not_be_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    with pytest.raises(Unreadable, match="TMPDIR"):
        read("first")


class Fake:
    def __init__(self, size: int) -> None:
        self.size = size


def kept(most: int, *added: tuple[str, str, int], touched: str = "") -> list[str]:
    """The keys that are still there after (key, project, size) were added."""
    sizes = iter([size for _, _, size in added])
    fake: Any = lambda content, code: Fake(next(sizes))  # noqa: E731 (a reader in one line)
    maps = Maps(most, fake)
    for key, project_id, _ in added:
        maps.add(key, project_id, b"", b"")
        maps.get(touched)
    return [key for key, _, _ in added if maps.get(key) is not None]


def test_the_map_that_was_asked_for_longest_ago_makes_room() -> None:
    assert kept(20, ("a", "p", 10), ("b", "p", 10), ("c", "p", 10)) == ["b", "c"]
    assert kept(20, ("a", "p", 10), ("b", "p", 10), ("c", "p", 10), touched="a") == ["a", "c"]


def test_a_project_makes_room_from_its_own() -> None:
    assert kept(30, ("a", "p", 10), ("b", "q", 10), ("c", "q", 10), ("d", "q", 10)) == ["a", "c", "d"]


def test_a_map_larger_than_all_room_is_read_and_not_kept() -> None:
    assert kept(30, ("a", "p", 10), ("b", "q", 40)) == ["a"]
