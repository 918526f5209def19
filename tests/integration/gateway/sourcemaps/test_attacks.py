"""Bodies that mean harm: each is refused in a sentence, nothing of it is stored, and the gateway goes on."""

import gzip
import json
from collections.abc import AsyncIterator

import pytest

from tests.integration.gateway.sourcemaps.conftest import ROUTE, Sender
from tests.unit.gateway.sourcemaps.forms import (
    BOUNDARY,
    CONTENT_TYPE,
    field,
    file,
    form,
    source_map,
    upload,
)

RELEASE, GOOD = field("release", b"1.0"), file("good.js.map", source_map())
PLAIN = CONTENT_TYPE.decode()


def with_map(**fields: object) -> bytes:
    return form(RELEASE, GOOD, file("a.js.map", source_map(**fields)))


BODIES: dict[str, tuple[bytes, str, int, str]] = {
    # name -> body, Content-Encoding, status, a part of the error
    "a name that leads out": (form(RELEASE, GOOD, file("../../../etc/cron.d/a.map", b"x")), "", 400, "leads out"),
    "a name from the root": (form(RELEASE, GOOD, file("/etc/a.map", b"x")), "", 400, "leads out"),
    "a name with backslashes that leads out": (form(RELEASE, GOOD, file("..\\a.map", b"x")), "", 400, "leads out"),
    "a name with NUL": (form(RELEASE, GOOD, file(b"a\0.map", b"x")), "", 400, "control characters"),
    "a name of 1,100 bytes": (form(RELEASE, GOOD, file("a" * 1100 + ".map", b"x")), "", 400, "longer than 1024"),
    "one name twice": (form(RELEASE, GOOD, file("./good.js.map", source_map())), "", 400, "there twice"),
    "no source map": (form(RELEASE, GOOD, file("a.js.map", b"<html>")), "", 400, "is no source map"),
    "a page instead of a script": (form(RELEASE, GOOD, file("a.html", b"<html>")), "", 400, "neither a source map's"),
    "JSON nested 100,000 deep": (
        form(RELEASE, GOOD, file("a.js.map", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")),
        "",
        400,
        "nested too deeply",
    ),
    "mappings that explode": (with_map(mappings=";" * 6_000_000), "", 400, "mappings, more than"),
    "sections in sections": (
        with_map(sections=[{"offset": {"line": 0, "column": 0}, "map": {"version": 3, "sections": []}}]),
        "",
        400,
        "missing required field",
    ),
    "names that take 20 times their size": (with_map(names=["ab"] * 9_000_000), "", 413, "Request body too large"),
    "one part 300 times": (form(RELEASE, *[GOOD] * 300), "", 400, "200 parts"),
    "three hundred parts": (form(RELEASE, *(file(f"{n}.js.map", b"{}") for n in range(300))), "", 400, "200 parts"),
    "a gzip bomb": (gzip.compress(form(RELEASE, file("a.js", b"0" * 60_000_000))), "gzip", 413, "too large"),
    "a small gzip bomb": (gzip.compress(b"0" * 20_000_000, 9), "gzip", 413, "too large"),
    "gzip that is none": (upload(), "gzip", 400, "Malformed"),
    "an unknown coding": (upload(), "lzma", 415, "Unsupported content encoding"),
    "headers without an end": (b"--" + BOUNDARY + b"\r\nX: " + b"a" * 1_000_000, "", 400, "header size"),
    "no end": (upload()[:-10], "", 400, "last boundary"),
    "no form": (b"{}", "", 400, "no multipart/form-data"),
    "nothing": (b"", "", 400, "no whole multipart/form-data"),
}


async def test_each_is_refused_and_nothing_of_it_is_stored(shop: Sender) -> None:
    for name, (body, coding, status, said) in BODIES.items():
        answer = await shop.post(body, **({"content_encoding": coding} if coding else {}))
        assert (answer.status_code, said in answer.json()["error"]) == (status, True), (name, answer.text)
        assert list(answer.json()) == ["error"]
    assert not await shop.index.has_release(shop.project_id, "1.0")
    assert shop.stored() == set()
    assert await shop.index.unused(untouched_s=0) == []
    assert (await shop.upload("1.0", a=source_map())).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=a",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "b" * 300,
        "multipart/form-data" + "; a" * 20_000,
    ],
)
async def test_another_content_type_is_refused(shop: Sender, content_type: str) -> None:
    answer = await shop.post(upload(), content_type=content_type)
    assert answer.status_code == 400
    assert "multipart/form-data" in answer.json()["error"]


async def test_a_body_over_the_limit_is_refused_before_it_is_read(shop: Sender) -> None:
    answer = await shop.client.post(ROUTE, content=b"0" * 50_000_001, headers={"content-type": PLAIN})
    assert answer.status_code == 413
    assert answer.json()["error"].endswith("an upload has at most 50,000,000 bytes; send the files in several")


async def test_a_body_without_a_length_is_refused_while_it_is_read(shop: Sender) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield upload()[:100]
        for _ in range(60):
            yield b"0" * 1_000_000

    answer = await shop.client.post(ROUTE, content=pieces(), headers={"content-type": PLAIN})
    assert answer.status_code == 413


async def test_the_error_says_the_same_in_json_whatever_the_name_holds(shop: Sender) -> None:
    answer = await shop.post(form(RELEASE, file('a"b<script>.txt', b"x")))
    assert answer.status_code == 400
    assert json.loads(answer.content)["error"].startswith("The file name ")
