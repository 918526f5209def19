"""Log-in, sessions and forms of the pages (pages.md, "Who may")."""

import secrets
from collections.abc import Awaitable, Callable

import pytest

from gateway.query.people import people as people_module
from shared.clients.postgres import connect
from shared.keys import hash_key
from shared.passwords import hash_password
from shared.users import create_user, disable, grant, make_link
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, token_in
from tests.integration.gateway.query.pages.conftest import OpenBrowser

PASSWORD = "correct horse battery"


@pytest.fixture
def ann(keys_url: str, keys: Keys) -> str:
    """A user who may read project `p`. Nobody else has tried to log in with this name."""
    name = f"Ann {secrets.token_hex(4)}"
    with connect(keys_url) as db:
        create_user(db, name, hash_password(PASSWORD))
        grant(db, name.lower(), "p", "viewer")
    return name


def sql(keys_url: str, statement: str) -> None:
    with connect(keys_url) as db:
        db.execute(statement)  # type: ignore[arg-type]  # statements of these tests


async def test_without_a_session_a_page_leads_to_the_log_in_and_back(browser: Browser, ann: str) -> None:
    answer = await browser.get("/p/p/logs?q=a+b&last=4h")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fp%2Fp%2Flogs%3Fq%3Da%2Bb%26last%3D4h"
    form = await browser.shown(answer.headers["location"])
    assert 'value="/p/p/logs?q=a+b&amp;last=4h"' in form
    back = await browser.log_in("/p/p/logs?q=a+b&last=4h", name=f" {ann.upper()} ", password=PASSWORD)
    assert (back.status_code, back.headers["location"]) == (303, "/p/p/logs?q=a+b&last=4h")
    assert ann in await browser.shown(back.headers["location"])


async def test_a_script_that_wants_a_piece_of_a_page_is_sent_to_the_log_in(browser: Browser) -> None:
    answer = await browser.get("/p/p/logs", hx_request="true")
    assert (answer.status_code, answer.headers["hx-redirect"], answer.text) == (204, "/login", "")


@pytest.mark.parametrize("name", ["/evil.example", "/\\evil.example", "ttps://evil.example"])
async def test_the_log_in_leads_nowhere_else(browser: Browser, ann: str, name: str) -> None:
    answer = await browser.log_in(f"{'h' if name.startswith('t') else '/'}{name}", name=ann, password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_the_cookie_is_not_for_scripts_and_behind_tls_for_this_host_alone(
    open_browser: OpenBrowser, ann: str
) -> None:
    plain = await open_browser().log_in(name=ann, password=PASSWORD)
    assert plain.headers["set-cookie"].startswith("sluice=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(plain.headers["set-cookie"].split("; "))
    assert "Secure" not in plain.headers["set-cookie"]
    tls = await open_browser("https").log_in(name=ann, password=PASSWORD)
    assert tls.headers["set-cookie"].startswith("__Host-sluice=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(tls.headers["set-cookie"].split("; "))


async def test_only_the_hash_of_a_session_is_stored(browser: Browser, ann: str, keys_url: str) -> None:
    await browser.log_in(name=ann, password=PASSWORD)
    token = browser.cookies["sluice"]
    with connect(keys_url) as db:
        stored = str(db.execute("SELECT row_to_json(sessions)::text FROM sessions").fetchall())
    assert token not in stored
    assert hash_key(token) in stored


async def test_wrong_names_and_passwords_look_alike_and_cost_alike(
    browser: Browser, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bool] = []

    def fits(stored: str | None, password: str) -> bool:
        checked.append(stored is None)
        return False

    monkeypatch.setattr(people_module, "fits", fits)
    answers = [await browser.log_in(name=name, password=PASSWORD) for name in (ann, "nobody")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert problem_in(answers[0].text) == problem_in(answers[1].text) != ""
    assert checked == [False, True]
    assert "sluice" not in browser.cookies


def problem_in(html: str) -> str:
    return html.partition('role="alert">')[2].partition("</p>")[0]


@pytest.mark.parametrize("password", ["", "x", "\0", "\ud800" * 3, "y" * 5_000])
async def test_any_password_may_be_tried(browser: Browser, ann: str, password: str) -> None:
    answer = await browser.log_in(name=ann, password=password.encode(errors="replace").decode())
    assert answer.status_code == 403


async def test_the_eleventh_try_of_an_address_has_to_wait(browser: Browser, ann: str) -> None:
    tries = [await browser.log_in(name=f"somebody {n}", password="wrong") for n in range(11)]
    assert [answer.status_code for answer in tries] == [403] * 10 + [429]
    assert 0 < int(tries[-1].headers["retry-after"]) <= 60
    assert "Too many tries" in tries[-1].text
    assert (await browser.log_in(name=ann, password=PASSWORD)).status_code == 429


async def test_the_eleventh_try_of_a_name_has_to_wait_wherever_it_comes_from(open_browser: OpenBrowser) -> None:
    tries = [await open_browser().log_in(name="Somebody Else", password="wrong") for _ in range(11)]
    assert [answer.status_code for answer in tries] == [403] * 10 + [429]


async def test_a_read_key_is_a_session_of_its_project_as_long_as_it_is_good(
    browser: Browser, keys: Keys, keys_url: str
) -> None:
    assert (await browser.log_in(key=f" {keys.read} ")).headers["location"] == "/"
    assert (await browser.get("/")).headers["location"] == "/p/p/logs"
    assert (await browser.get("/p/p/logs")).status_code == 200
    assert keys.read not in await browser.shown("/p/p/logs")
    key = f"SELECT id FROM keys WHERE hash = '{hash_key(keys.read)}'"
    sql(keys_url, f"UPDATE keys SET revoked_at = now() WHERE id IN ({key})")
    try:
        assert (await browser.get("/p/p/logs")).status_code == 303
    finally:
        sql(keys_url, f"UPDATE keys SET revoked_at = NULL WHERE id IN ({key})")


async def test_a_key_that_only_sends_does_not_log_in(browser: Browser, keys: Keys) -> None:
    for key in (keys.ingest, "dt_nothing", "\0"):
        answer = await browser.log_in(key=key)
        assert (answer.status_code, "no key that may read" in answer.text) == (403, True)
        assert key not in answer.text or key == "\0"


async def test_a_link_logs_in_once(open_browser: OpenBrowser, ann: str, keys_url: str) -> None:
    with connect(keys_url) as db:
        link = make_link(db, ann)
    first, second = open_browser(), open_browser()
    for _ in range(2):  # looking at it does not use it up
        assert f"Log in as {ann}" in await first.shown(f"/login/link?token={link}")
    assert (await first.log_in(link=link)).status_code == 303
    assert (await first.get("/p/p/logs")).status_code == 200
    assert (await second.log_in(link=link)).status_code == 403
    assert "used already" in await second.shown(f"/login/link?token={link}")


@pytest.mark.parametrize(
    "ends",
    [
        "used_at = now() - interval '12 hours 1 minute'",
        "created_at = now() - interval '30 days 1 minute'",
    ],
)
async def test_a_session_ends_by_itself(browser: Browser, ann: str, keys_url: str, ends: str) -> None:
    await browser.log_in(name=ann, password=PASSWORD)
    assert (await browser.get("/p/p/logs")).status_code == 200
    sql(keys_url, f"UPDATE sessions SET {ends} WHERE hash = '{hash_key(browser.cookies['sluice'])}'")
    assert (await browser.get("/p/p/logs")).status_code == 303


async def test_use_keeps_a_session_alive(browser: Browser, ann: str, keys_url: str) -> None:
    await browser.log_in(name=ann, password=PASSWORD)
    digest = hash_key(browser.cookies["sluice"])
    sql(keys_url, f"UPDATE sessions SET used_at = now() - interval '11 hours' WHERE hash = '{digest}'")
    assert (await browser.get("/p/p/logs")).status_code == 200
    with connect(keys_url) as db:
        query = "SELECT used_at > now() - interval '1 minute' FROM sessions WHERE hash = %s"
        assert db.execute(query, [digest]).fetchone() == (True,)


async def test_a_disabled_user_is_out_at_once(browser: Browser, keys_url: str, keys: Keys) -> None:
    with connect(keys_url) as db:
        create_user(db, "Bob", hash_password(PASSWORD))
        grant(db, "Bob", "p", "owner")
    await browser.log_in(name="Bob", password=PASSWORD)
    assert (await browser.get("/p/p/logs")).status_code == 200
    with connect(keys_url) as db:
        disable(db, "Bob")
    assert (await browser.get("/p/p/logs")).status_code == 303
    assert (await browser.log_in(name="Bob", password=PASSWORD)).status_code == 403


async def test_log_out_ends_the_session_itself(browser: Browser, ann: str) -> None:
    await browser.log_in(name=ann, password=PASSWORD)
    token = browser.cookies["sluice"]
    form = token_in(await browser.shown("/p/p/logs"))
    assert (await browser.send("/logout", {"form_token": form})).headers["location"] == "/login"
    browser.cookies.set("sluice", token, domain="sluice.test")
    assert (await browser.get("/p/p/logs")).status_code == 303


async def test_a_form_without_its_token_or_from_another_site_does_nothing(
    open_browser: OpenBrowser, browser: Browser, ann: str
) -> None:
    await browser.log_in(name=ann, password=PASSWORD)
    other = open_browser()
    await other.log_in(name=ann, password=PASSWORD)
    mine, others = [token_in(await each.shown("/p/p/logs")) for each in (browser, other)]
    forged: list[Callable[[], Awaitable[object]]] = [
        lambda: browser.send("/logout", {}),
        lambda: browser.send("/logout", {"form_token": others}),
        lambda: browser.send("/logout", {"form_token": mine}, {"Sec-Fetch-Site": "cross-site"}),
        lambda: browser.send("/logout", {"form_token": mine}, {"Origin": "https://evil.example"}),
        lambda: browser.send("/logout", {"form_token": mine}, {}),
    ]
    for send in forged:
        answer = await send()
        assert answer.status_code == 403  # type: ignore[attr-defined]
        assert "no longer good" in answer.text  # type: ignore[attr-defined]
    assert (await browser.get("/p/p/logs")).status_code == 200
    own = await browser.send("/logout", {"form_token": mine}, {"Origin": "http://sluice.test"})
    assert own.status_code == 303


async def test_nobody_is_logged_in_by_a_form_of_another_visit(open_browser: OpenBrowser, ann: str) -> None:
    mine, victim = open_browser(), open_browser()
    token = token_in(await mine.shown("/login"))
    await victim.get("/login")
    answer = await victim.send("/login", {"form_token": token, "name": ann, "password": PASSWORD})
    assert answer.status_code == 403
    assert "sluice" not in victim.cookies


async def test_a_form_has_a_size(browser: Browser) -> None:
    token = token_in(await browser.shown("/login"))
    large = await browser.send("/login", {"form_token": token, "name": "x" * 20_000})
    many = await browser.send("/login", {"form_token": token} | {f"f{n}": "" for n in range(60)})
    assert (large.status_code, many.status_code) == (413, 413)


async def test_a_flood_of_passwords_is_refused_before_it_costs_memory(
    open_browser: OpenBrowser, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_module, "MAX_WAITING", 0)
    answer = await open_browser().log_in(name=ann, password=PASSWORD)
    assert answer.status_code == 503
    assert "Nothing is lost" in answer.text
