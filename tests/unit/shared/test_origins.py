"""Origins as keys keep them: what browsers send matches, and what could never match is refused
(contracts.md, "CORS and origins")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.origins import check_origin
from gateway.rejections import OriginNotAllowed
from shared.origins import NoOrigin, normal_origin


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("HTTPS://App.Example.com/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80/", "http://app.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://app.example.com:080", "https://app.example.com:80"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::0001]:8080", "http://[::1]:8080"),
        ("https://my_host.internal", "https://my_host.internal"),
        ("null", "null"),
        ("file://", "file://"),
        ("file:///", "file://"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost/", "ionic://localhost"),
        ("app://.", "app://."),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("moz-extension://0b6d2f64-9f0e-4f0a-8c9b-111111111111", "moz-extension://0b6d2f64-9f0e-4f0a-8c9b-111111111111"),
    ],
)  # fmt: skip
def test_a_pages_origin_matches_what_was_typed_for_it(typed: str, sent: str) -> None:
    stored = normal_origin(typed)
    assert stored == normal_origin(stored) == sent
    check_origin([stored], {b"origin": sent.encode()})
    with pytest.raises(OriginNotAllowed):
        check_origin([stored], {b"origin": b"https://evil.example"})


@pytest.mark.parametrize(
    ("typed", "page", "matches"),
    [
        ("https://*.Example.com:443/", "https://a.b.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://*.example.com:8443", "https://a.example.com:8443", True),
        ("https://*.bücher.example", "https://a.xn--bcher-kva.example", True),
    ],
)
def test_a_star_is_for_every_host_below(typed: str, page: str, matches: bool) -> None:
    given = {b"origin": page.encode()}
    if matches:
        check_origin([normal_origin(typed)], given)
    else:
        with pytest.raises(OriginNotAllowed):
            check_origin([normal_origin(typed)], given)


@pytest.mark.parametrize(
    "typed",
    [
        "", "app.example.com", "https://", "https:///", "https:app.example.com", "https://a.b/path", "https://a.b?",
        "https://a.b/?q", "https://a.b#f", "https://u@a.b", "https://a.b:0", "https://a.b:", "https://a.b:65536",
        "https://a.b:x", "https://a b", "https://a.b\n.c", "https://*", "*", "https://a.*.b", "https://a*.b", "https://*.*",
        "https://-a.b", "https://a..b", "https://.a", "https://" + "a" * 64 + ".b", "https://a,b", "https://a;b",
        "https://faß.de", "https://1.2.3", "https://1.2.3.256", "https://0x7f.1", "https://[::1", "https://[zz]",
        "data://x", "javascript://x", "about://blank", "ws://a.b", "wss://a.b", "blob:https://a.b", "file:///index.html",
        "app://a/b", "app://a?b", "://a", "app://ü", "https://a.b, https://c.d",
    ],
)  # fmt: skip
def test_what_no_browser_sends_is_refused_with_the_reason(typed: str) -> None:
    with pytest.raises(NoOrigin, match="is no origin"):
        normal_origin(typed)


@given(st.text(max_size=30) | st.text("htps:/.*[]@?#ab1-_ \t", max_size=30).map("https://".__add__))
def test_whatever_is_stored_is_an_origin_and_matches_itself(typed: str) -> None:
    try:
        stored = normal_origin(typed)
    except NoOrigin:
        return
    assert stored.isascii()
    assert stored == normal_origin(stored)
    check_origin([stored], {b"origin": stored.replace("*", "a").encode()})
