"""What is a source map, what is too much of one, and where its debug id is."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sourcemaps.contents import MAX_MAPPINGS, MAX_SECTIONS, debug_id_of
from gateway.sourcemaps.refusals import BadUpload
from tests.unit.gateway.sourcemaps.forms import DEBUG_ID, source_map

MAP: dict[str, Any] = json.loads(source_map())
AT = {"line": 0, "column": 0}


@pytest.mark.parametrize(
    "content",
    [
        source_map(),
        source_map(mappings=""),
        source_map(sources=[None, ""], sourcesContent=[None, "x"], sourceRoot="", file="a.js", ignoreList=[0]),
        source_map(x_google_ignoreList=[1], x_facebook_sources=[[{"names": ["<global>"], "mappings": "AAA"}]]),
        source_map(sourcesContent=["😀 \ud83d\ude00"]),
        b")]}'\n" + source_map(),
        b")]}',\r\n" + source_map(),
        b"\xef\xbb\xbf" + source_map(),
        json.dumps({"version": 3, "sources": [], "sections": []}).encode(),
        json.dumps({"version": 3, "sections": [{"offset": {"line": 3, "column": 9}, "map": MAP}]}).encode(),
        json.dumps(MAP, indent=1).encode(),
    ],
)
def test_what_bundlers_write_is_a_source_map(content: bytes) -> None:
    assert debug_id_of("a.js.map", content) == ""
    assert debug_id_of("a.js.map", memoryview(content)) == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no source map"),
        (b"<!DOCTYPE html>", "no source map"),
        (b"[]", "no source map"),
        (b'{"version":3}', "missing required field `mappings`"),
        (source_map(version=2), r"\$\.version"),
        (source_map(version="3"), r"\$\.version"),
        (source_map(mappings=["AAAA"]), r"\$\.mappings"),
        (source_map(mappings="AAAA\n"), "not Base64 VLQ"),
        (source_map(mappings="AAAA é"), "not Base64 VLQ"),
        (source_map(sources="a.ts"), r"\$\.sources"),
        (source_map(names=[1]), r"\$\.names\[0\]"),
        (source_map(sourcesContent=[{}]), r"\$\.sourcesContent\[0\]"),
        (source_map(sections="x"), r"\$\.sections"),
        (
            source_map(sections=[{"offset": AT, "url": "https://elsewhere.example/a.map"}]),
            "missing required field `map`",
        ),
        (source_map(sections=[{"offset": AT, "map": {"version": 3, "sections": []}}]), "missing required field"),
        (source_map(sections=[{"offset": {"line": -1, "column": 0}, "map": MAP}]), r"offset\.line"),
        (source_map()[:-1], "truncated"),
        (source_map() + b"{}", "malformed"),
        (b'{"x":"\xff",' + source_map()[1:], "not UTF-8"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"," + source_map()[1:], "nested too deeply"),
        (b'{"debugId":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "nested too deeply"),
        (b"[" * 100_000, "no source map"),
    ],
)
def test_anything_else_is_not_and_is_told_why(content: bytes, said: str) -> None:
    with pytest.raises(BadUpload, match=said):
        debug_id_of("static/a.js.map", content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (source_map(mappings=";" * MAX_MAPPINGS), "mappings, more than"),
        (source_map(mappings="A," * MAX_MAPPINGS), "mappings, more than"),
        (source_map(sections=[{"offset": AT, "map": {**MAP, "mappings": "," * 100_000}}] * 51), "mappings, more than"),
        (source_map(sections=[{"offset": AT, "map": MAP}] * (MAX_SECTIONS + 1)), "sections, more than"),
        (source_map(sources=["a"] * 100_001), "sources, more than"),
        (source_map(names=["a"] * 1_000_001), "names, more than"),
    ],
    ids=["lines", "segments", "sections' segments", "sections", "sources", "names"],
)
def test_a_map_that_would_take_too_much_memory_to_read_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(BadUpload, match=said):
        debug_id_of("static/a.js.map", content)


@pytest.mark.parametrize(
    "content",
    [
        source_map(debugId=DEBUG_ID),
        source_map(debug_id=DEBUG_ID.upper()),
        source_map(debugId=DEBUG_ID, debug_id="00000000-0000-0000-0000-000000000000"),
        source_map(debugId={"not": "one"}, debug_id=DEBUG_ID.replace("-", "")),
        json.dumps({"version": 3, "sections": [], "debugId": DEBUG_ID}).encode(),
    ],
)
def test_a_maps_debug_id_is_found_in_either_field(content: bytes) -> None:
    assert debug_id_of("a.js.map", content) == DEBUG_ID


@pytest.mark.parametrize("value", ["", "not one", 7, None, ["a"], DEBUG_ID + "-1", DEBUG_ID[:-1] + "é"])
def test_what_is_no_debug_id_counts_as_none(value: object) -> None:
    assert debug_id_of("a.js.map", source_map(debugId=value)) == ""


@pytest.mark.parametrize(
    ("script", "debug_id"),
    [
        (f"x=1\n//# sourceMappingURL=a.js.map\n//# debugId={DEBUG_ID}\n", DEBUG_ID),
        (f"x=1\n//# debugId={DEBUG_ID.upper()}\r\n//# sourceMappingURL=a.js.map", DEBUG_ID),
        (f"//# debugId=00000000-0000-0000-0000-000000000000\n//# debugId={DEBUG_ID}", DEBUG_ID),
        (f"//# debugId={DEBUG_ID}\n" + "x" * 10_000, ""),
        ("//# debugId=" + "-" * 36, ""),
        ("x=1", ""),
        ("", ""),
    ],
)
def test_a_scripts_debug_id_is_in_its_last_lines(script: str, debug_id: str) -> None:
    assert debug_id_of("a.js", script.encode()) == debug_id


VALUES = st.recursive(st.none() | st.integers() | st.text(), st.lists)
MAPS = VALUES.map(lambda value: source_map(sources=value, mappings=value, sections=value))


@given(st.binary(max_size=200) | MAPS)
def test_no_content_does_anything_but_be_taken_or_refused(content: bytes) -> None:
    for path in ("a.js.map", "a.js"):
        with suppress(BadUpload):
            debug_id_of(path, content)
