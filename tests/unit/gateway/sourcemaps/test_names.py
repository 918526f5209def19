"""Names of files become paths below the build folder, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sourcemaps.names import KINDS, MAX_PATH_BYTES, path_of
from gateway.sourcemaps.refusals import BadUpload


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("static/chunks/app/page-9f8e.js.map", "static/chunks/app/page-9f8e.js.map"),
        ("server/app/[slug]/(group)/@modal/page.js.map", "server/app/[slug]/(group)/@modal/page.js.map"),
        ("static\\chunks\\app\\page-9f8e.js.map", "static/chunks/app/page-9f8e.js.map"),
        ("./a.js.map", "a.js.map"),
        ("a//b/./c.js", "a/b/c.js"),
        ("[root-of-the-server]__0a1b._.js.map", "[root-of-the-server]__0a1b._.js.map"),
        ("ä/日本.mjs", "ä/日本.mjs"),
        ("styles.css.map", "styles.css.map"),
        ("..a/b...map", "..a/b...map"),
    ],
)
def test_a_path_below_the_build_folder_is_kept(name: str, path: str) -> None:
    assert path_of(name.encode()) == path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"../a.js.map", "leads out of the build folder"),
        (b"a/../../b.js.map", "leads out of the build folder"),
        (b"a/..", "leads out of the build folder"),
        (b"..\\..\\a.js.map", "leads out of the build folder"),
        (b"/etc/a.js.map", "leads out of the build folder"),
        (b"\\a.js.map", "leads out of the build folder"),
        (b"C:/a.js.map", "leads out of the build folder"),
        (b"c:a.js.map", "leads out of the build folder"),
        (b"a\0.js.map", "control characters"),
        (b"a\x1b[31m.js.map", "control characters"),
        (b"\xff.js.map", "not UTF-8"),
        (b"a/" * 600 + b"a.js.map", f"longer than {MAX_PATH_BYTES} bytes"),
        (b"", "neither a source map's"),
        (b".", "neither a source map's"),
        (b"a.txt", "neither a source map's"),
        (b".map", "neither a source map's"),
        (b"a.js.map/", None),
    ],
)
def test_any_other_name_is_refused_and_says_why(name: bytes, said: str | None) -> None:
    if said is None:
        assert path_of(name) == "a.js.map"
        return
    with pytest.raises(BadUpload, match=said):
        path_of(name)


@given(st.binary(max_size=60) | st.text("./\\:abc\0map", max_size=30).map(lambda text: (text + ".map").encode()))
def test_no_name_leads_out_of_the_folder(name: bytes) -> None:
    try:
        path = path_of(name)
    except BadUpload:
        return
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert path.endswith(KINDS)
    assert "\\" not in path
    assert path_of(path.encode()) == path
