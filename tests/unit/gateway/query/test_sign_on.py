"""Single sign-on without a provider: the trip's state, its settings, roles by claims."""

import asyncio
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from joserfc.jwk import KeySet

from gateway.query.people.sign_on import provider as module
from gateway.query.people.sign_on.provider import Provider
from gateway.query.people.sign_on.sign_on import sign_on_of
from gateway.query.people.sign_on.trip import LIFE_S, WrongState, begin, resume
from shared.oidc import BadRoles, Oidc, parse_roles, roles_of
from shared.secret import Secret
from shared.settings import BadSetting, load

NOW = 1_790_000_000.5


def test_a_trip_is_the_same_on_its_way_back_for_ten_minutes() -> None:
    trip = begin("secret", "/p/p/logs?q=é", NOW)
    assert resume("secret", trip.state, NOW) == resume("secret", trip.state, NOW + LIFE_S - 1) == trip
    assert len(trip.verifier) == 64
    for later in (LIFE_S + 1, -2):
        with pytest.raises(WrongState):
            resume("secret", trip.state, NOW + later)


def test_each_trip_has_a_state_a_nonce_and_a_verifier_of_its_own() -> None:
    trips = [begin("secret", "/", NOW) for _ in range(3)]
    assert len({part for trip in trips for part in trip[:3]}) == 9
    trip = trips[0]
    assert trip.nonce not in trip.state
    assert trip.verifier not in trip.state


@pytest.mark.parametrize("secret", ["", "another", "\ud800"])
def test_without_its_secret_a_state_is_nothing(secret: str) -> None:
    for state in (begin("secret", "/", NOW).state, begin("", "/", NOW).state, "", "a.b", "\ud800.\ud800"):
        with pytest.raises(WrongState):
            resume(secret, state, NOW)


def test_a_path_that_is_too_long_is_forgotten() -> None:
    trip = begin("secret", "/" + "a" * 2_000, NOW)
    assert resume("secret", trip.state, NOW).next == "/"


def test_the_highest_role_counts_in_each_project_that_is_named() -> None:
    rules = parse_roles(" *=viewer@p, groups:sre=owner@p,groups:dev=member@p , team:a=b=member@q")
    assert roles_of(rules, {}) == {"p": "viewer", "q": None}
    assert roles_of(rules, {"groups": ["dev", "sre"], "team": "a=b"}) == {"p": "owner", "q": "member"}
    assert roles_of(rules, {"groups": "sre"}) == {"p": "owner", "q": None}
    assert roles_of(rules, {"groups": {"sre": 1}, "team": ["x"]}) == {"p": "viewer", "q": None}
    assert parse_roles("") == ()


@pytest.mark.parametrize("text", ["owner", "sre=owner@p", "groups:sre=boss@p", "a:b=owner@", ":sre=owner@p", "*"])
def test_roles_that_are_none_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadRoles, match="claim:value=role@project"):
        parse_roles(text)


GOOD = {
    "SLUICE_OIDC_ISSUER": "https://id.example.com",
    "SLUICE_OIDC_CLIENT_ID": "sluice",
    "SLUICE_OIDC_REDIRECT_URL": "https://sluice.example.com/login/oidc/callback",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SLUICE_OIDC_CLIENT_ID": ""}, "SLUICE_OIDC_CLIENT_ID must be"),
        ({"SLUICE_OIDC_REDIRECT_URL": ""}, "SLUICE_OIDC_REDIRECT_URL must be"),
        ({"SLUICE_OIDC_REDIRECT_URL": "http://sluice.example.com/x"}, "must begin with https://"),
        ({"SLUICE_OIDC_ISSUER": "http://id.example.com"}, "must begin with https://"),
        ({"SLUICE_OIDC_ISSUER": "id.example.com"}, "must begin with https://"),
        ({"SLUICE_OIDC_ROLES": "owner"}, "SLUICE_OIDC_ROLES: 'owner'"),
        ({"SLUICE_OIDC_CLIENT_SECRET_FILE": "/nowhere/at/all"}, "can't be read"),
    ],
)
def test_settings_that_do_not_do_are_refused_by_name(changed: dict[str, str], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        sign_on_of(load(GOOD | changed).oidc)


async def test_the_secret_may_stand_in_a_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hush\n")
    config = load(GOOD | {"SLUICE_OIDC_CLIENT_SECRET": "hush"}).oidc
    assert "hush" not in repr(config)
    with pytest.raises(BadSetting, match="both set"):
        sign_on_of(load(GOOD | {"SLUICE_OIDC_CLIENT_SECRET": "x", "SLUICE_OIDC_CLIENT_SECRET_FILE": str(file)}).oidc)
    made = sign_on_of(load(GOOD | {"SLUICE_OIDC_CLIENT_SECRET_FILE": str(file)}).oidc)
    assert made is not None
    assert made._provider._secret == "hush"
    await made.close()
    assert sign_on_of(Oidc(client_secret=Secret("x"))) is None


async def test_a_stranger_costs_no_tls_setup_and_asks_a_provider_that_is_away_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Provider(load(GOOD).oidc, "")
    asked = []

    async def get(url: str) -> bytes:
        asked.append(url)
        raise httpx2.ConnectError("for this test")

    def no_setup(**_: object) -> None:
        raise AssertionError("a TLS context for a request")

    monkeypatch.setattr(made, "_get", get)
    monkeypatch.setattr("httpcore2.default_ssl_context", no_setup)
    trip = begin("secret", "/", NOW)
    tried = await asyncio.gather(*(made.address(trip) for _ in range(3)), return_exceptions=True)
    assert [str(each) for each in tried] == ["ConnectError: for this test"] * 3
    assert len(asked) == 1
    made._known = (
        module._Found("https://i", "https://i/auth", "https://i/token", "https://i/keys"),
        KeySet([]),
        monotonic(),
    )
    assert (await made.address(trip)).startswith("https://i/auth?")
    await made.close()
