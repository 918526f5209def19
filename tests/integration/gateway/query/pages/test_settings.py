"""The pages of settings (pages.md, "Settings"): keys, members, views, source maps, retention and limits."""

import re
import secrets
import time
from collections.abc import AsyncIterator

import pytest

from shared.audit import Actor
from shared.clients.postgres import Postgres, connect
from shared.clients.redis import Redis
from shared.keys import REVOCATIONS, ResolvedKey, create_key, find_key, generate, hash_key
from shared.users import Role, create_user, disable, grant, make_link
from shared.views import Shown, Views
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, links_in, token_in
from tests.integration.gateway.query.pages.conftest import OpenBrowser
from tests.integration.gateway.query.pages.markup import EVIL, is_harmless, is_in_fences, text_of
from tests.integration.gateway.query.read_api import Store

PATH = "/p/p/settings"
TABS = ("members", "views", "alerts", "sourcemaps", "drain", "project", "audit")
PAGES = [PATH, *(f"{PATH}/{page}" for page in TABS)]
BY = Actor(kind="key", id="key_x", address="192.0.2.7")
GOOD = {"name": "edge", "kind": "dt", "scope_ingest": "on", "scope_read": "on", "origins": "HTTPS://a.example/\n\nnull"}


async def member(browser: Browser, keys_url: str, role: Role, name: str = "", project: str = "p") -> Browser:
    """The browser of a user with this role in the project."""
    name = name or f"{role} {secrets.token_hex(4)}"
    with connect(keys_url) as db:
        create_user(db, name, None)
        grant(db, name, project, role)
        link = make_link(db, name)
    assert (await browser.log_in(link=link)).status_code == 303
    return browser


@pytest.fixture
async def owner(browser: Browser, keys_url: str, keys: Keys) -> Browser:
    return await member(browser, keys_url, "owner")


@pytest.fixture
async def postgres(keys_url: str) -> AsyncIterator[Postgres]:
    opened = Postgres(keys_url)
    yield opened
    await opened.close()


async def form_of(browser: Browser, **fields: str) -> dict[str, str]:
    return {"form_token": token_in(await browser.shown(PATH)), **fields}


def keys_in(html: str) -> list[str]:
    """Each once."""
    return list(dict.fromkeys(re.findall(r"\b(?:dt_[0-9a-f]{24}|pk_\w{32})\b", html)))


async def stored(postgres: Postgres, token: str) -> ResolvedKey | None:
    return await find_key(postgres, hash_key(token))


async def test_a_key_is_made_with_its_rules_and_shown_once(owner: Browser, postgres: Postgres) -> None:
    answer = await owner.send(PATH, await form_of(owner, **GOOD, limit="7"))
    (token,) = keys_in(answer.text)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    found = await stored(postgres, token)
    assert found is not None
    assert (found.project_id, found.scopes) == ("p", {"ingest", "read"})
    assert found.origins == ("https://a.example", "null")
    assert (found.ingest_limit, found.read_limit) == (7, 7)
    html, told = await owner.shown(PATH), await owner.shown(f"{PATH}.md")
    assert token not in html + told
    assert f"edge, {token[:8]}…: may ingest, read; origins https://a.example null" in told
    assert f"edge{token[:8]}…ingest, readhttps://a.example and 1 more7, 7" in text_of(html)


async def test_a_browser_key_is_one(owner: Browser, postgres: Postgres) -> None:
    answer = await owner.send(PATH, await form_of(owner, kind="pk", scope_ingest="on", name="web", limit="5000"))
    (token,) = keys_in(answer.text)
    found = await stored(postgres, token)
    assert found is not None
    assert (found.is_public, found.origins, found.ingest_limit, found.read_limit) == (True, (), 5000, None)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "dt"}, "A key needs a scope"),
        ({"kind": "pk", "scope_triage": "on"}, "may not triage: make a dt_ key"),
        ({"scope_read": "on"}, "Choose where the key will stand"),
        ({**GOOD, "origins": "https://a.example/path"}, "it ends behind host and port, without a path"),
        ({**GOOD, "origins": "\n".join(f"https://h{n}.example" for n in range(51))}, "at most 50 origins"),
        ({**GOOD, "limit": "-1"}, "Write a number of requests a minute"),
        ({**GOOD, "limit": "0"}, "Write a number of requests a minute, at most 600"),
        ({**GOOD, "limit": "601"}, "Write a number of requests a minute, at most 600"),
        ({**GOOD, "limit": "9" * 400}, "Write a number of requests a minute"),
        ({**GOOD, "name": "x" * 101}, "at most 100 printable characters"),
        ({**GOOD, "name": "a\nb\0"}, "at most 100 printable characters"),
        ({**GOOD, "name": EVIL, "limit": EVIL, "origins": EVIL, "kind": EVIL}, "is no origin"),
    ],
)
async def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_made(
    owner: Browser, postgres: Postgres, fields: dict[str, str], said: str
) -> None:
    before = await postgres.query("SELECT count(*) FROM keys")
    answer = await owner.send(PATH, await form_of(owner, **fields))
    assert answer.status_code == 422
    assert said in text_of(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert keys_in(answer.text) == []
    is_harmless(answer.text)
    assert await postgres.query("SELECT count(*) FROM keys") == before


async def test_a_key_is_revoked_once_it_was_asked_about(owner: Browser, postgres: Postgres) -> None:
    (token,) = keys_in((await owner.send(PATH, await form_of(owner, **GOOD, scope_triage="on"))).text)
    found = await stored(postgres, token)
    assert found is not None
    asking = await owner.shown(f"{PATH}?revoke={found.key_id}")
    assert f"Revoke edge, {token[:8]}…?" in text_of(asking)
    assert await stored(postgres, token) is not None
    answer = await owner.send(PATH, await form_of(owner, revoke=found.key_id))
    assert "The key is revoked" in text_of(answer.text)
    assert await stored(postgres, token) is None
    assert "edge revoked" in text_of(answer.text)
    again = await owner.shown(f"{PATH}?revoke={found.key_id}")
    assert "can't be undone" not in text_of(again)


async def test_a_key_is_rotated_once_it_was_asked_about(owner: Browser, postgres: Postgres) -> None:
    (old,) = keys_in((await owner.send(PATH, await form_of(owner, **(GOOD | {"name": "turns"})))).text)
    found = await stored(postgres, old)
    assert found is not None
    assert f"Rotate turns, {old[:8]}…?" in text_of(await owner.shown(f"{PATH}?rotate={found.key_id}"))
    answer = await owner.send(PATH, await form_of(owner, rotate=found.key_id))
    (new,) = keys_in(answer.text)
    made = await stored(postgres, new)
    assert made is not None
    assert (made.scopes, made.origins, await stored(postgres, old) is not None) == (found.scopes, found.origins, True)
    assert re.search(r"turns ends \d+ \w+ 20\d\d \d\d:\d\d UTC", text_of(answer.text))
    assert new not in await owner.shown(PATH)


async def test_gateways_are_told(owner: Browser, redis_url: str) -> None:
    redis = Redis(redis_url, timeout_s=30)
    heard: list[str | None] = []
    listening = redis.listen(REVOCATIONS)
    try:
        assert await anext(listening) is None
        (token,) = keys_in((await owner.send(PATH, await form_of(owner, **GOOD))).text)
        while hash_key(token) not in heard:
            heard.append(await anext(listening))
    finally:
        await redis.close()


@pytest.mark.parametrize("role", ["viewer", "member", "read key", "triage key"])
async def test_only_owners_see_and_change_keys(
    browser: Browser, keys_url: str, keys: Keys, postgres: Postgres, role: str
) -> None:
    if role.endswith("key"):
        await browser.log_in(key=keys.read if role == "read key" else keys.triage)
    else:
        await member(browser, keys_url, "viewer" if role == "viewer" else "member")
    html = await browser.shown(PATH)
    assert "Only owners of the project see its keys" in text_of(html)
    assert keys.ingest[:8] not in html + await browser.shown(f"{PATH}.md")
    assert "Make key" not in html
    before = await postgres.query("SELECT count(*), count(revoked_at) FROM keys")
    victim = await stored(postgres, keys.ingest)
    assert victim is not None
    for fields in (GOOD, {"revoke": victim.key_id}, {"rotate": victim.key_id}):
        answer = await browser.send(PATH, await form_of(browser, **fields))
        assert (answer.status_code, "an owner of the project" in answer.text) == (403, True)
    assert await postgres.query("SELECT count(*), count(revoked_at) FROM keys") == before


async def test_a_form_of_somebody_else_is_not_believed(
    owner: Browser, open_browser: OpenBrowser, keys_url: str, postgres: Postgres
) -> None:
    before = await postgres.query("SELECT count(*) FROM keys")
    other = await member(open_browser(), keys_url, "owner")
    mine, theirs = await form_of(owner, **GOOD), await form_of(other, **GOOD)
    for fields, headers in (
        (GOOD, None),
        (theirs, None),
        (mine, {"Sec-Fetch-Site": "cross-site"}),
        (mine, {"Sec-Fetch-Site": "same-site"}),
        (mine, {"Origin": "https://evil.example"}),
        (mine, {}),
    ):
        answer = await owner.send(PATH, fields, headers)
        assert (answer.status_code, keys_in(answer.text)) == (403, []), headers
    assert (await owner.send(PATH, {"form_token": "x", "name": "y" * 20_000})).status_code == 413
    assert (await open_browser().send(PATH, mine)).status_code == 303
    assert await postgres.query("SELECT count(*) FROM keys") == before


async def test_an_owner_has_no_hand_in_another_project(
    owner: Browser, other_project: str, keys_url: str, postgres: Postgres
) -> None:
    found = await stored(postgres, other_project)
    assert found is not None
    assert found.key_id not in await owner.shown(PATH)
    assert "can't be undone" not in text_of(await owner.shown(f"{PATH}?revoke={found.key_id}"))
    for key_id in (found.key_id, "key_none", "\0", "'; DELETE FROM keys"):
        for what in ("revoke", "rotate"):
            answer = await owner.send(PATH, await form_of(owner, **{what: key_id}))
            assert (answer.status_code, "has no such key" in answer.text) == (404, True)
    assert await stored(postgres, other_project) is not None
    for page in PAGES:
        assert (await owner.get(page.replace("/p/p/", "/p/q/"))).status_code == 404
    assert (await owner.send("/p/q/settings", await form_of(owner, **GOOD))).status_code == 404


async def test_members_are_seen_by_users_and_not_by_keys(
    owner: Browser, open_browser: OpenBrowser, keys_url: str, keys: Keys
) -> None:
    await member(open_browser(), keys_url, "viewer", "Rosa")
    with connect(keys_url) as db:
        create_user(db, "Elsewhere", None)
        disable(db, "Rosa")
    text = text_of(await owner.shown(f"{PATH}/members"))
    assert "Rosa disabledviewerread" in text
    assert "owner" in text
    assert "Elsewhere" not in text
    reader = open_browser()
    await reader.log_in(key=keys.read)
    for suffix in ("", ".md"):
        assert "Rosa" not in await reader.shown(f"{PATH}/members{suffix}")


async def test_views_source_maps_and_rules_are_shown(owner: Browser, keys_url: str, postgres: Postgres) -> None:
    await Views(postgres).add("p", Shown("errors", "Checkout", "q=service%3Aweb&last=4h"), BY)
    await Views(postgres).add("q", Shown("errors", "Theirs", ""), BY)
    with connect(keys_url) as db:
        db.execute("INSERT INTO sourcemap_blobs (digest, size) VALUES (%s, 1234)", ["a" * 64])
        for project, release in (("p", "web@1"), ("q", "web@2")):
            db.execute(
                "INSERT INTO sourcemap_files (project_id, release, path, digest) VALUES (%s, %s, 'a.js.map', %s)",
                [project, release, "a" * 64],
            )
    views = await owner.shown(f"{PATH}/views")
    assert "/p/p/errors?q=service%3Aweb&last=4h" in links_in(views)
    assert "Theirs" not in views
    maps = text_of(await owner.shown(f"{PATH}/sourcemaps"))
    assert "web@111,234" in maps
    assert "web@2" not in maps
    project = text_of(await owner.shown(f"{PATH}/project"))
    assert "30 days from their arrival" in project
    assert "5,000 (the usual one)" in project
    assert "no: the project has no drain secret" in project


async def test_members_delete_views_and_viewers_do_not(
    browser: Browser, open_browser: OpenBrowser, keys_url: str, keys: Keys, postgres: Postgres
) -> None:
    views, path = Views(postgres), f"{PATH}/views"
    mine = await views.add("p", Shown("logs", secrets.token_hex(4), ""), BY)
    theirs = await views.add("q", Shown("logs", secrets.token_hex(4), ""), BY)
    viewer, member_of_p = await member(open_browser(), keys_url, "viewer"), await member(browser, keys_url, "member")
    assert "Delete" not in await viewer.shown(f"{path}?delete={mine.id}")
    assert (await viewer.send(path, await form_of(viewer, delete=mine.id))).status_code == 403
    assert f"Delete the view {mine.shown.name}" in text_of(await member_of_p.shown(f"{path}?delete={mine.id}"))
    for view_id in (theirs.id, "view_none", "\0", ""):
        assert (await member_of_p.send(path, await form_of(member_of_p, delete=view_id))).status_code == 404
    assert (await member_of_p.send(path, {"delete": mine.id})).status_code == 403
    answer = await member_of_p.send(path, await form_of(member_of_p, delete=mine.id))
    assert (answer.status_code, mine.shown.name in answer.text) == (200, False)
    assert await views.find("p", mine.id) is None
    assert await views.find("q", theirs.id) is not None


async def test_members_save_views_and_viewers_do_not(
    browser: Browser, open_browser: OpenBrowser, keys_url: str, postgres: Postgres
) -> None:
    path, name = f"{PATH}/views", secrets.token_hex(4)
    viewer, member_of_p = await member(open_browser(), keys_url, "viewer"), await member(browser, keys_url, "member")
    fields = {"page": "logs", "name": f" {name} ", "state": "q=level%3Aerror&last=4h"}
    assert (await viewer.send(path, await form_of(viewer, **fields))).status_code == 403
    saved = await member_of_p.send(path, await form_of(member_of_p, **fields))
    assert (saved.status_code, f"The view is saved: {name}." in text_of(saved.text)) == (200, True)
    assert "/p/p/logs?q=level%3Aerror&last=4h" in links_in(saved.text)
    (view,) = [each for each in await Views(postgres).of_project("p") if each.shown.name == name]
    assert view.created_by_name.startswith("member")
    tab = await member_of_p.send(path, await form_of(member_of_p, **fields | {"page": "logs/patterns"}))
    assert "/p/p/logs/patterns?q=level%3Aerror&last=4h" in links_in(tab.text)
    again = await member_of_p.send(path, await form_of(member_of_p, **fields))
    assert (again.status_code, "a view of this name already" in text_of(again.text)) == (409, True)
    for wrong in ({"name": " "}, {"name": "x" * 101}, {"page": "settings"}, {"state": "a b"}):
        assert (await member_of_p.send(path, await form_of(member_of_p, **fields | wrong))).status_code == 422


async def test_a_drain_secret_is_never_shown(owner: Browser, keys_url: str) -> None:
    with connect(keys_url) as db:
        db.execute("UPDATE projects SET drain_secret = 'hush hush', drain_limit = 9 WHERE id = 'p'")
    try:
        html, told = await owner.shown(f"{PATH}/project"), await owner.shown(f"{PATH}/project.md")
    finally:
        with connect(keys_url) as db:
            db.execute("UPDATE projects SET drain_secret = NULL, drain_limit = NULL WHERE id = 'p'")
    assert "hush" not in html + told
    assert "Drains must be signedyes" in text_of(html)
    assert "Records a second before it waits for itself20,000" in text_of(html)


async def test_nothing_that_is_set_is_markup(
    owner: Browser, open_browser: OpenBrowser, keys_url: str, postgres: Postgres
) -> None:
    await member(open_browser(), keys_url, "viewer", EVIL[:60].strip())
    await Views(postgres).add("p", Shown("logs", EVIL, "q=" + EVIL), BY)
    with connect(keys_url) as db:
        create_key(db, "p", generate("dt"), scopes=["read"], name=EVIL, origins=[EVIL, EVIL])
        db.execute("INSERT INTO sourcemap_blobs (digest, size) VALUES (%s, 1)", ["b" * 64])
        db.execute(
            "INSERT INTO sourcemap_files (project_id, release, path, digest) VALUES ('p', %s, 'x', %s)",
            [EVIL, "b" * 64],
        )
    for page in (*PAGES, f"{PATH}?revoke=key_x"):
        is_harmless(await owner.shown(page))
    for page in (PATH, f"{PATH}/views", f"{PATH}/sourcemaps"):
        is_in_fences(await owner.get(f"{page}.md"))


async def test_a_row_that_makes_no_key_is_named(owner: Browser, keys_url: str) -> None:
    with connect(keys_url) as db:
        key_id = create_key(db, "p", generate("dt"), scopes=["read"])
        db.execute("UPDATE keys SET origins = ARRAY[NULL] WHERE id = %s", [key_id])
    assert f"{key_id}dt_" in (text := text_of(await owner.shown(PATH)))
    assert "Its row can't be read" in text
    answer = await owner.send(PATH, await form_of(owner, rotate=key_id))
    assert (answer.status_code, "revoke it, and create another key" in text_of(answer.text)) == (409, True)


async def test_parameters_are_those_that_links_bring_along(owner: Browser) -> None:
    for page in PAGES:
        assert (await owner.get(f"{page}?q=a&last=4h&as_of=x")).status_code == 200, page
        assert (await owner.get(f"{page}?x=1")).status_code == 422, page
    for link in links_in(await owner.shown(PATH)):
        if link.startswith("/p/"):
            assert (await owner.get(link)).status_code in (200, 303), link


async def test_members_see_alerts_and_owners_change_them(
    owner: Browser, open_browser: OpenBrowser, keys_url: str, store: Store
) -> None:
    with connect(keys_url) as db:
        db.execute("DELETE FROM alert_rules")
    path, form = f"{PATH}/alerts", {"kind": "llm_cost", "usd": "5", "period": "month", "cooldown": "9", "enabled": "on"}
    body = form | {"name": EVIL[:90], "url": "https://hooks.example.com/t/a-token", "channel": "slack"}
    made = await owner.send(path, await form_of(owner, **body))
    assert made.status_code == 200, made.text
    [rule] = set(re.findall(r"rule=(alert_\w+)", made.text))
    taken = await owner.send(path, await form_of(owner, **body))
    assert (taken.status_code, "has a rule of this name" in taken.text) == (422, True)
    store.add_calls({"timestamp": time.time_ns() // 1000, "model": "m", "cost_usd": 4.0})
    for role in ("viewer", "member"):
        visitor = await member(open_browser(), keys_url, role)  # type: ignore[arg-type]
        pages = await visitor.shown(path), await visitor.shown("/p/p/llm")
        for html in pages:
            assert (rule in html, "a-token" in html) == (role == "member", False)
            is_harmless(html)
        assert ("80 %" in pages[1]) == (role == "member")
        told = await visitor.get(f"{path}.md?rule={rule}")
        assert (EVIL in told.text, "a-token" in told.text) == (role == "member", False)
        if role == "member":
            is_in_fences(told)
            assert f"{EVIL}: $5.00 a month; to Slack https://hooks.example.com; last alert never; " in told.text
            assert f"The rule: {EVIL}\nnothing yet" in told.text
            assert f"{path}.md?rule={rule}" in links_in(await visitor.shown(f"{path}?rule={rule}"))
        for fields in (body, {"rule": rule, "do": "delete"}, {"rule": rule, "do": "test"}):
            refused = await visitor.send(path, await form_of(visitor, **fields))
            assert refused.status_code == 403
    assert (await owner.send(path, await form_of(owner, rule="alert_none", do="off"))).status_code == 404
    assert "is deleted" in (await owner.send(path, await form_of(owner, rule=rule, do="delete"))).text
