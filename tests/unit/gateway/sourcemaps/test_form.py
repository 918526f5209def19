"""The form of an upload: what clients write is read, and anything else is refused in a sentence."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sourcemaps.form import MAX_PARTS, read_form
from gateway.sourcemaps.refusals import BadUpload
from tests.unit.gateway.sourcemaps.forms import BOUNDARY, field, file, form, part, upload

RELEASE = field("release", b"1.0")


def files_of(body: bytes) -> dict[str, bytes]:
    return {path: body[start:end] for path, (start, end) in read_form(body, BOUNDARY).files.items()}


def test_release_and_files_are_read_whatever_stands_in_them() -> None:
    tricky = b"\r\n--" + BOUNDARY[:-1] + b"\r\n--" + BOUNDARY + b"x\r\n\r\n--\0\xff\r\n"
    body = form(
        field("comment", b"ignored"),
        RELEASE,
        file("static/a.js.map", b'{"version":3}'),
        file("b.js", b""),
        file("c.js", tricky),
        file("ignored.exe", b"MZ", name="other"),
    )
    assert read_form(body, BOUNDARY).release == "1.0"
    assert files_of(body) == {"static/a.js.map": b'{"version":3}', "b.js": b"", "c.js": tricky}


def test_the_release_may_come_last_and_twice_the_same() -> None:
    assert read_form(form(file("a.map", b"x"), RELEASE, RELEASE), BOUNDARY).release == "1.0"


@pytest.mark.parametrize("release", ["1", "r" * 128, "web@1.2.3+45/ü", "😀" * 64])
def test_a_release_of_up_to_128_characters_is_taken(release: str) -> None:
    assert read_form(upload(release), BOUNDARY).release == release


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "its last boundary is missing"),
        (upload()[:-4], "its last boundary is missing"),
        (upload().partition(b"\r\n")[2], "no multipart/form-data"),
        (b"--" + BOUNDARY + b"--\r\n", "The field release is missing"),
        (form(file("a.map", b"x")), "The field release is missing"),
        (form(RELEASE), "There is no file"),
        (form(RELEASE, field("release", b"2.0"), file("a.map", b"x")), "several times"),
        (form(RELEASE, field("files", b"x")), "neither a source map's"),
        (form(RELEASE, file("a/b.map", b"x"), file("a//b.map", b"x")), "there twice"),
        (form(RELEASE, file("a/b.map", b"x"), file("a\\b.map", b"y")), "there twice"),
        (upload(""), "1 to 128 characters"),
        (upload("r" * 129), "1 to 128 characters"),
        (upload("😀" * 65), "1 to 128 characters"),
        (upload("a\nb"), "control characters"),
        (form(field("release", b"\xff"), file("a.map", b"x")), "not UTF-8"),
        (form(RELEASE, *(file(f"{n}.map", b"x") for n in range(MAX_PARTS))), f"more than {MAX_PARTS} parts"),
        (form(RELEASE, part(b'form-data; name="files"; filename="' + b"a" * 5000 + b'.map"', b"x")), "header size"),
        (form(RELEASE, part(b'form-data; name="files"', b"x", b"X-A: b\r\n" * 20)), "header count"),
        (
            form(RELEASE, part(b'form-data; name="files"', b"x", b"Content-Transfer-Encoding: base64\r\n")),
            "as they are",
        ),
    ],
)
def test_any_other_form_is_refused_and_says_why(body: bytes, said: str) -> None:
    with pytest.raises(BadUpload, match=said):
        read_form(body, BOUNDARY)


@given(st.lists(st.sampled_from([BOUNDARY, b"\r\n", b"--", b"\r", b"a", b":", b"Content-Disposition: "])).map(b"".join))
def test_no_body_does_anything_but_be_read_or_refused(body: bytes) -> None:
    for each in (body, form(RELEASE, body), form(file("a.map", body), RELEASE)):
        with suppress(BadUpload):
            read_form(each, BOUNDARY)
