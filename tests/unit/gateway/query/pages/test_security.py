"""Where a log-in may lead, and whose forms are believed."""

from collections.abc import Mapping

import pytest
from starlette.requests import Request

from gateway.query.pages.forms import token_for
from gateway.query.pages.security import is_own, next_path
from gateway.query.pages.visit import session_of
from gateway.query.people.attempts import place_of


@pytest.mark.parametrize("path", ["/", "/p/demo/logs?q=a&last=1h", "/p/demo/logs?q=http://x.y", "/a//b"])
def test_a_log_in_leads_back_to_a_path_of_ours(path: str) -> None:
    assert next_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", None, "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "\\/evil.example",
     "javascript:alert(1)", "/\n/evil.example", "p/demo", " /x", "/" + "x" * 5_000, "/a\\..\\b"],
)  # fmt: skip
def test_and_nowhere_else(path: str | None) -> None:
    assert next_path(path) == "/"


def request_of(headers: Mapping[str, str], scheme: str = "http") -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "scheme": scheme, "path": "/", "headers": raw, "query_string": b""})


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none", "origin": "http://h"}, False),
        ({"sec-fetch-site": "same-site", "origin": "http://h"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://h"}, True),
        ({"origin": "https://h"}, False),
        ({"origin": "http://h:81"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_a_form_is_ours_only_where_the_browser_says_so(headers: dict[str, str], own: bool) -> None:
    assert is_own(request_of({"host": "h"} | headers)) is own


def test_a_forms_token_belongs_to_one_session_and_does_not_give_it_away() -> None:
    assert token_for("a") != token_for("b")
    assert "secret" not in token_for("secret")


def test_behind_tls_only_the_cookie_that_no_neighbour_can_set_counts() -> None:
    cookies = {"cookie": "sluice=plain; __Host-sluice=host"}
    assert session_of(request_of(cookies, "https")) == "host"
    assert session_of(request_of(cookies)) == "plain"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2::9", "2001:0db8:0001:0002"),
        ("testclient", "testclient"),
    ],
)
def test_tries_are_counted_by_address_and_of_ipv6_by_network(address: str, place: str) -> None:
    assert place_of(address) == place
