"""Digests of Next.js, from what real builds of it gave an instrumentation hook, an error page and the log
(grouping.md, "Digests")."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.fingerprint import v2
from shared.formats.digests import HASHED, LOOKED_AT, comparable, digest_of, string_hash

NEXT = json.loads((Path(__file__).parents[3] / "fixtures" / "next" / "reports.json").read_text())
REPORTS: list[dict[str, Any]] = NEXT["reports"]
OMITTED = (
    "An error occurred in the Server Components render. The specific message is omitted in production builds to avoid"
    " leaking sensitive details. A digest property is included on this error instance which may provide additional"
    " details about the nature of the error."
)


def of(report: dict[str, Any]) -> str:
    return digest_of(report["error_message"], report["stack_trace"], json.dumps(report["context"]).encode())


def named(report: dict[str, Any]) -> str:
    return f"{report['next']} {report['side']} {report['context'].get('routePath', '')}"


@pytest.mark.parametrize("report", REPORTS, ids=named)
def test_a_report_of_next_gets_the_digest_that_next_gave_it(report: dict[str, Any]) -> None:
    # A client component that fails on the server is hashed with a stack that nobody sends.
    unknown = report["context"].get("routePath") == "/ssr"
    assert of(report) == ("" if unknown else report["digest"])


def test_the_browsers_report_and_the_servers_of_one_failure_share_it() -> None:
    for version in ("15.4.5", "16.4.6"):
        both = [each for each in REPORTS if each["next"] == version and each["digest"] and "digest" in each["context"]]
        (browser,) = both
        halves = {each["side"] for each in REPORTS if of(each) == browser["digest"]}
        assert halves == {"browser", "server"}


def test_a_digest_that_the_log_printed_is_found_in_a_stack_and_in_a_message() -> None:
    assert digest_of("order 42 has no lines", NEXT["log"], b"") == "1699992675"
    assert digest_of(NEXT["log"], "", b"") == "1699992675"
    page = "Application error: a server-side exception has occurred (see the server logs). Digest: 2038395936"
    assert digest_of(page, "", b"{}") == "2038395936"


@pytest.mark.parametrize(
    ("context", "digest"),
    [
        ({"digest": "77"}, "77"),
        ({"digest": 77}, "77"),
        ({"digest": "77@E394"}, "77"),
        ({"digest": "my-own id"}, "my-own id"),
        ({"error": {"name": "Error", "digest": "77"}}, "77"),
        ({"tags": {"digest": "77"}, "error": "text", "digest": None}, "77"),
        ({"digest": "NEXT_REDIRECT;replace;/login;307;"}, ""),
        ({"digest": "NEXT_HTTP_ERROR_FALLBACK;404"}, ""),
        ({"digest": "BAILOUT_TO_CLIENT_SIDE_RENDERING"}, ""),
        ({"digest": "DYNAMIC_SERVER_USAGE"}, ""),
        ({"digest": ["77"]}, ""),
        ({"image": {"digest": "sha256:1"}}, ""),
        ({}, ""),
    ],
)
def test_a_context_names_it(context: dict[str, Any], digest: str) -> None:
    assert digest_of("m", "Error: m\n    at f (/a.js:1:2)", json.dumps(context).encode()) == digest


def test_the_contexts_own_comes_before_a_printed_one() -> None:
    assert digest_of("m", NEXT["log"], b'{"digest":"77"}') == "77"
    assert digest_of("m", NEXT["log"], b'{"digest":"NEXT_NOT_FOUND"}') == "1699992675"
    assert digest_of("m", NEXT["log"], b'{"digest":1e400}') == "1699992675"


def test_other_digests_in_a_text_are_none() -> None:
    for text in ("pulled app, digest: sha256:9f86d081", "digest: 12345678901", "the digest of 7", "Digest: abc"):
        assert digest_of(text, "", b"") == ""


def test_the_middle_of_a_long_text_is_not_looked_through() -> None:
    far = "x" * 2 * LOOKED_AT
    assert digest_of("", f"digest: 1\n{far}{far}", b"") == "1"
    assert digest_of("", f"{far}{far}\ndigest: '1'", b"") == "1"
    assert digest_of("", f"{far}digest: 1 {far}", b"") == ""


def test_an_error_too_long_to_hash_has_none() -> None:
    context = b'{"source":"nextjs-onRequestError","routeType":"action"}'
    assert digest_of("m" * (HASHED - 1), "s", context) == str(string_hash("m" * (HASHED - 1) + "s"))
    assert digest_of("m" * HASHED, "s", context) == ""


def test_the_hash_is_that_of_javascripts_package() -> None:
    # Node: require('next/dist/compiled/string-hash')(...)
    assert [string_hash(text) for text in ("", "a", "é", "😀", "card declined")] == [
        5381, 177604, 177484, 5191800, 3736667161,
    ]  # fmt: skip


@given(st.text(), st.text(), st.text())
def test_no_text_makes_it_fail(message: str, stack: str, digest: str) -> None:
    context = {"digest": digest, "source": "nextjs-onRequestError", "routeType": "render"}
    found = digest_of(message, stack, json.dumps(context).encode())
    assert not comparable(digest) or found == comparable(digest)
    assert 0 <= string_hash(message + "\ud800") < 2**32


@pytest.mark.parametrize("report", REPORTS, ids=named)
def test_a_digest_is_no_part_of_the_fingerprint(report: dict[str, Any]) -> None:
    message, stack = report["error_message"], report["stack_trace"]
    plain = v2.fingerprint(message, stack)[0]
    assert v2.fingerprint(message, stack + " {\n  digest: '1699992675'\n}")[0] == plain
    assert v2.fingerprint(message, f"⨯ {stack} {{\n  digest: '7'\n}}\n")[0] == plain


def test_the_browsers_halves_are_one_group_whatever_the_digest() -> None:
    made = {v2.fingerprint(f"{OMITTED}{more}", f"Error: {OMITTED}{more}")[0] for more in (" Digest: 1", " Digest: 77")}
    assert len(made) == 1
    pages = {v2.fingerprint(f"Application error: a server-side exception. Digest: {n}", "")[0] for n in (1, 3850701382)}
    assert len(pages) == 1
