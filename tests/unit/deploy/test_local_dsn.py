"""The DSN of the demo project in `var/env` (sentry.md, "The DSN")."""

from deploy.local.stack import _dsn


def test_an_old_public_key_that_no_dsn_can_hold_stops_nothing() -> None:
    url = "http://127.0.0.1:8080"
    assert _dsn(url, {"SLUICE_PUBLIC_KEY": "pk_1"}) == {"SLUICE_SENTRY_DSN": "http://pk_1@127.0.0.1:8080/1"}
    assert _dsn(url, {"SLUICE_PUBLIC_KEY": "pk_a-b"}) == {}
