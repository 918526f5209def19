"""The key in a request's headers (contracts.md, "Keys")."""

import pytest

from gateway.carried import key_of, sentry_key_in_envelope, sentry_key_in_query, sentry_key_of

BEARER = {b"authorization": b"bEARER  dt_1 "}
IN_HEADER = {b"x-api-key": b" dt_2 "}


def test_a_bearer_wins_over_the_other_header() -> None:
    assert key_of({**BEARER, **IN_HEADER}) == "dt_1"
    assert key_of({b"authorization": b"Basic abc", **IN_HEADER}) == "dt_2"
    assert key_of({}) is None
    assert key_of({b"x-sentry-auth": b"Sentry sentry_key=pk_1"}) is None


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        (b"Sentry sentry_key=pk_1, sentry_version=7, sentry_client=sentry.python/2.75", "pk_1"),
        (b"sentry sentry_version=7,sentry_key=pk_1,sentry_secret=x", "pk_1"),
        (b"  SENTRY   sentry_key = pk_1", "pk_1"),
        (b"Sentry sentry_version=7", ""),
        (b"Sentry sentry_key=, sentry_version=7", ""),
        (b"Sentry not_sentry_key=pk_1", ""),
        (b"Sentry", ""),
    ],
)
@pytest.mark.parametrize("name", [b"x-sentry-auth", b"authorization"])
def test_what_sentrys_sdks_send_decides(name: bytes, sent: bytes, key: str) -> None:
    assert sentry_key_of({**BEARER, **IN_HEADER, name: sent}) == key


def test_without_it_the_other_headers_count() -> None:
    assert sentry_key_of({**BEARER, **IN_HEADER}) == "dt_1"
    assert sentry_key_of({b"x-sentry-auth": b"nonsense", **IN_HEADER}) == "dt_2"
    assert sentry_key_of({}) is None


@pytest.mark.parametrize(
    ("query", "key"),
    [
        (b"sentry_version=7&sentry_key=pk_1&sentry_client=a%2F1", "pk_1"),
        (b"sentry_key=pk_1&sentry_key=pk_2", "pk_1"),
        (b"sentry_key=", ""),
        (b"sentry_key", ""),
        (b"not_sentry_key=pk_1", None),
        (b"a=sentry_key%3Dpk_1", None),
        (b"&" * 10_000 + b"sentry_key=pk_1", None),
        (b"", None),
    ],
)
def test_the_key_in_a_query(query: bytes, key: str | None) -> None:
    assert sentry_key_in_query(query) == key


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"dsn":"https://pk_1@example.com:8080/a/1"}\n', "pk_1"),
        (b'{"dsn":"https://pk_1:secret@example.com/1","event_id":7}', "pk_1"),
        (b'{"dsn":"https://example.com/1"}\n', None),
        (b'{"dsn":["https://pk_1@example.com/1"]}\n', None),
        (b'{"dsn":"https://pk_1@[x/1"}\n', None),
        (b'{"dsn":"https://pk_1@example.com/1"\n', None),
        (b"", None),
        (b"\x1f\x8b", None),
    ],
)
def test_the_key_in_an_envelope(body: bytes, key: str | None) -> None:
    assert sentry_key_in_envelope(body) == key
