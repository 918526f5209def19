"""Log-in by OpenID Connect, and attacks on it (pages.md, "Single sign-on")."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from gateway.query import Reader
from gateway.query.people.attempts import MOST
from gateway.query.people.sign_on.sign_on import SignOn, sign_on_of
from shared.audit_log import Wanted, list_entries
from shared.clients.postgres import Postgres, connect
from shared.clients.redis import Redis
from shared.oidc import Oidc
from shared.secret import Secret
from shared.users import create_user, disable, grant
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, Strangers, Watermark, pages_app
from tests.integration.gateway.query.pages.markup import text_of
from tests.integration.gateway.query.pages.oidc_provider import BACK, CLIENT, SECRET, Forge, Provider

OpenBrowser = Callable[..., Browser]
NOWHERE: Any = None
COOKIE = "__Host-sluice"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@pytest.fixture
async def open_browser(provider: Provider, keys_url: str, keys: Keys, redis_url: str) -> AsyncIterator[OpenBrowser]:
    """Opens a browser on a Sluice with these settings: `open_browser(create_users=True)`."""
    postgres, redis, strangers = Postgres(keys_url), Redis(redis_url), Strangers()
    made: list[tuple[SignOn | None, httpx.AsyncClient]] = []
    reader = Reader("clickhouse://127.0.0.1:1/nowhere")

    def open(**settings: Any) -> Browser:
        usual = {"issuer": provider.url, "client_id": CLIENT, "client_secret": Secret(SECRET), "redirect_url": BACK}
        sign_on = sign_on_of(Oidc(**{**usual, **settings}))
        app = pages_app(reader, postgres, redis, NOWHERE, Watermark().ask, sign_on)
        transport = httpx.ASGITransport(app, client=(strangers.next(), 1))
        made.append((sign_on, httpx.AsyncClient(transport=transport, base_url="https://sluice.test")))
        return Browser(made[-1][1])

    yield open
    for sign_on, client in made:
        if sign_on is not None:
            await sign_on.close()
        await client.aclose()
    await reader.close()
    await postgres.close()
    await redis.close()


def address(name: str = "ann") -> str:
    return f"{name}.{secrets.token_hex(4)}@example.com"


@pytest.fixture
def ann(keys_url: str, keys: Keys) -> str:
    """The address of a viewer of project `p`, which is the user's name."""
    name = address()
    with connect(keys_url) as db:
        create_user(db, name, None)
        grant(db, name, "p", "viewer")
    return name


async def left(browser: Browser, next: str = "/p/p/errors?q=a") -> str:
    """Where the browser is sent."""
    answer = await browser.client.get("/login/oidc", params={"next": next})
    assert answer.status_code == 303
    return answer.headers["location"]


async def come_back(
    browser: Browser, provider: Provider, email: str, forge: Forge | None = None, /, **claims: Any
) -> httpx.Response:
    said = {"email": email, "email_verified": True, **claims}
    return await browser.get(provider.log_in(await left(browser), forge, **said))


async def is_refused(browser: Browser, answer: httpx.Response, said: str) -> None:
    assert (answer.status_code, COOKIE in browser.cookies) == (403, False)
    assert said in text_of(answer.text)
    assert (await browser.get("/p/p/logs")).headers["location"].startswith("/login")


async def test_a_user_whose_address_is_verified_is_logged_in_and_comes_back_to_the_page(
    open_browser: OpenBrowser, provider: Provider, ann: str, keys_url: str
) -> None:
    browser = open_browser(button="Log in with Example")
    assert 'href="/login/oidc?next=/p/p/logs"' in (html := await browser.shown("/login?next=/p/p/logs"))
    assert "Log in with Example" in html
    answer = await come_back(browser, provider, ann.upper())
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/p/errors?q=a")
    assert {"Secure", "HttpOnly", "SameSite=lax"} <= set(answer.headers["set-cookie"].split("; "))
    assert (await browser.get("/")).headers["location"] == "/p/p/logs"
    with connect(keys_url) as db:
        begun, *_ = list_entries(db, "p", Wanted(actions=["session.begun"]))
    assert (begun.actor, begun.detail) == (ann, {"by": "oidc"})


async def test_there_is_no_such_log_in_where_none_is_set(open_browser: OpenBrowser) -> None:
    browser = open_browser(issuer="")
    assert "/login/oidc" not in await browser.shown("/login")
    assert (await browser.get("/login/oidc")).status_code == 404


BELIEVED = "can't be believed"


@pytest.mark.parametrize(
    ("forge", "claims", "said"),
    [
        (Provider.unsigned, {}, BELIEVED),
        (Provider.by_another_key, {}, BELIEVED),
        (Provider.by_the_clients_secret, {}, BELIEVED),
        (Provider.by_its_public_key, {}, BELIEVED),
        (lambda *_: "x.y.z", {}, BELIEVED),
        (None, {"nonce": "another one"}, BELIEVED),
        (None, {"nonce": None}, BELIEVED),
        (None, {"aud": "another client"}, BELIEVED),
        (None, {"aud": [CLIENT, "another client"], "azp": "another client"}, BELIEVED),
        (None, {"iss": "https://evil.example"}, BELIEVED),
        (None, {"exp": 1_700_000_000}, BELIEVED),
        (None, {"exp": None}, BELIEVED),
        (None, {"email_verified": False}, "has not verified your e-mail"),
        (None, {"email_verified": None}, "has not verified your e-mail"),
        (None, {"email_verified": "false"}, "has not verified your e-mail"),
        (None, {"email": None}, "does not say your e-mail"),
        (None, {"email": ["x@example.com"]}, "does not say your e-mail"),
    ],
)
async def test_whom_nobody_vouches_for_is_refused(
    open_browser: OpenBrowser, provider: Provider, ann: str, forge: Forge | None, claims: dict[str, Any], said: str
) -> None:
    browser = open_browser(create_users=True)
    await is_refused(browser, await come_back(browser, provider, ann, forge, **claims), said)


async def test_the_state_of_another_browser_is_no_way_in(
    open_browser: OpenBrowser, provider: Provider, ann: str
) -> None:
    """An attacker who has begun a log-in as themselves can't end it in somebody else's browser, nor the other way."""
    attacker, victim = open_browser(), open_browser()
    back = provider.log_in(await left(attacker), email=ann, email_verified=True)
    await is_refused(victim, await victim.get(back), "another browser")
    await left(victim)
    await is_refused(victim, await victim.get(back), "another browser")
    begun, _, seal = back.rpartition("state=")[2].partition(".")
    for state in ("", "x", ".", f"{begun}.", f"{begun}x.{seal}", f"{begun}.{seal[:-1]}", "é.é"):
        answer = await attacker.client.get("/login/oidc/callback", params={"code": "x", "state": state})
        await is_refused(attacker, answer, "another browser")
    assert (await attacker.get(back)).status_code == 303
    again = await attacker.get(back)
    assert (again.status_code, BELIEVED in text_of(again.text)) == (403, True), "a code is good once"


async def test_a_refusal_of_the_provider_is_shown_without_its_words(open_browser: OpenBrowser) -> None:
    browser = open_browser()
    await left(browser)
    state = (await left(browser)).partition("state=")[2].partition("&")[0]
    asked = f"/login/oidc/callback?error=access_denied&error_description=call+0900+123&state={state}"
    answer = await browser.get(asked)
    await is_refused(browser, answer, "did not let you in")
    assert "0900" not in answer.text


@pytest.mark.parametrize(
    "next", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\nb", "/" + "a" * 5_000, ""]
)
async def test_it_leads_nowhere_else(open_browser: OpenBrowser, provider: Provider, ann: str, next: str) -> None:
    browser = open_browser()
    back = provider.log_in(await left(browser, next), email=ann, email_verified=True)
    assert (await browser.get(f"{back}&next=https://evil.example")).headers["location"] == "/"


async def test_users_are_made_only_if_that_is_said_and_of_the_domains_that_are_let_in(
    open_browser: OpenBrowser, provider: Provider, keys_url: str, keys: Keys
) -> None:
    email = address("new")
    browser = open_browser()
    await is_refused(browser, await come_back(browser, provider, email), "sluice user create")
    browser = open_browser(create_users=True, domains="example.org, example.net")
    await is_refused(browser, await come_back(browser, provider, email), "your domain")
    browser = open_browser(
        create_users=True, domains="EXAMPLE.com", roles="*=viewer@p, groups:sre=owner@p, a:b=owner@q"
    )
    assert (await come_back(browser, provider, email, groups=["sre", "x"])).status_code == 303
    with connect(keys_url) as db:
        found = list_entries(db, None, Wanted(limit=3))[::-1]
    assert [(each.action, each.actor_kind, each.subject) for each in found[:2]] == [
        ("user.made", "sluice", email),
        ("user.role", "sluice", email),
    ]
    assert (found[1].detail, found[2].action) == ({"role": ["none", "owner"]}, "session.begun")


async def test_claims_decide_about_the_projects_that_are_named_and_no_others(
    open_browser: OpenBrowser, provider: Provider, ann: str, keys_url: str
) -> None:
    def roles() -> list[str]:
        with connect(keys_url) as db:
            rows = db.execute("SELECT role FROM user_roles JOIN users ON id = user_id WHERE name = %s", [ann])
            return [row[0] for row in rows.fetchall()]

    for settings, groups, wanted in (
        ({}, ["sre"], ["viewer"]),
        ({"roles": "groups:sre=owner@p,groups:dev=member@p"}, ["dev", "sre"], ["owner"]),
        ({"roles": "groups:sre=owner@p,groups:dev=member@p"}, "dev", ["member"]),
        ({"roles": "groups:sre=owner@no-such-project"}, ["sre"], ["member"]),
        ({"roles": "groups:sre=owner@p"}, ["gone"], []),
    ):
        answer = await come_back(open_browser(**settings), provider, ann, groups=groups)
        assert (answer.status_code, roles()) == (303, wanted)


async def test_a_disabled_user_stays_out(
    open_browser: OpenBrowser, provider: Provider, ann: str, keys_url: str
) -> None:
    with connect(keys_url) as db:
        disable(db, ann)
    browser = open_browser(create_users=True)
    await is_refused(browser, await come_back(browser, provider, ann), "Nobody here has your e-mail")


async def test_a_provider_that_is_away_or_odd_is_a_503(
    open_browser: OpenBrowser, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for says in ({"issuer": "https://evil.example"}, {"jwks_uri": None}, {"padding": "x" * 300_000}):
        monkeypatch.setattr(provider, "says", says)
        assert (await open_browser().get("/login/oidc")).status_code == 503
    monkeypatch.setattr(provider, "says", {})
    monkeypatch.setattr(provider, "is_away", True)
    assert (await open_browser().get("/login/oidc")).status_code == 503
    monkeypatch.setattr(provider, "is_away", False)
    assert (await open_browser().get("/login/oidc")).status_code == 303


async def test_the_provider_may_change_its_key(
    open_browser: OpenBrowser, provider: Provider, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from joserfc.jwk import RSAKey

    browser = open_browser()
    assert (await come_back(browser, provider, ann)).status_code == 303
    monkeypatch.setattr("gateway.query.people.sign_on.provider.KEYS_AGAIN_S", 0.0)
    monkeypatch.setattr(provider, "key", key := RSAKey.generate_key(2048, {"kid": "2"}))

    def signed(provider: Provider, claims: dict[str, Any]) -> str:
        from joserfc import jwt

        return jwt.encode({"alg": "RS256", "kid": "2"}, claims, key)

    assert (await come_back(browser, provider, ann, signed)).status_code == 303


async def test_nobody_begins_more_log_ins_than_may_be_tried(open_browser: OpenBrowser) -> None:
    browser = open_browser()
    answers = [await browser.get("/login/oidc") for _ in range(MOST + 1)]
    assert [each.status_code for each in answers] == [303] * MOST + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert (await open_browser().get("/login/oidc")).status_code == 303
