"""DSNs for Sentry's SDKs (sentry.md, "The DSN")."""

import pytest

from shared.dsn import NoDsn, dsn_of
from shared.keys import generate


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("http://127.0.0.1:8080", "http://{}@127.0.0.1:8080/1"),
        ("https://Logs.example.com/", "https://{}@Logs.example.com/1"),
        ("https://old@example.com/sluice/", "https://{}@example.com/sluice/1"),
        ("http://[::1]:8080", "http://{}@[::1]:8080/1"),
    ],
)
def test_a_key_and_an_address_make_a_dsn(url: str, dsn: str) -> None:
    for key in (generate("pk"), generate("dt")):
        assert dsn_of(url, key) == dsn.format(key)


@pytest.mark.parametrize("key", ["pk_a-b", "", "pk_é", "pk_a b", "pk_a@b"])
def test_a_key_that_sdks_would_not_take_makes_none(key: str) -> None:
    with pytest.raises(NoDsn, match="sluice key rotate"):
        dsn_of("https://example.com", key)


@pytest.mark.parametrize("url", ["example.com", "ftp://example.com", "https://", "https://[x", "https://a/?b=c"])
def test_what_is_no_address_makes_none(url: str) -> None:
    with pytest.raises(NoDsn, match="no address"):
        dsn_of(url, "pk_a")
