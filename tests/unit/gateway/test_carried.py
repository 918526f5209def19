"""The key in a request's headers (contracts.md, "Keys")."""

import pytest

from gateway.carried import key_of, sentry_key_of

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
