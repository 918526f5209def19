"""Settings, Audit log: who did what through pages, seen by owners alone (pages.md, "Settings")."""

import re
import secrets
from html import unescape

import pytest

from gateway.query.people import sessions as sessions_module
from shared.audit import Deed, audit
from shared.audit_log import Entry, Wanted, list_entries
from shared.clients.postgres import connect
from shared.passwords import hash_password
from shared.users import Role, create_user, grant, make_link
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, token_in
from tests.integration.gateway.query.pages.conftest import OpenBrowser
from tests.integration.gateway.query.pages.markup import EVIL, is_harmless, text_of

PATH = "/p/p/settings/audit"
PASSWORD = "correct horse battery"


def named(keys_url: str, role: Role | None = None) -> str:
    """A new user of project `p`, with a password."""
    name = f"{role} {secrets.token_hex(4)}"
    with connect(keys_url) as db:
        create_user(db, name, hash_password(PASSWORD))
        grant(db, name, "p", role)
    return name


def written(keys_url: str, *actions: str) -> list[Entry]:
    """The newest first."""
    with connect(keys_url) as db:
        return list_entries(db, None, Wanted(actions=actions))


@pytest.fixture
def owner_name(keys_url: str, keys: Keys) -> str:
    return named(keys_url, "owner")


@pytest.fixture
async def owner(browser: Browser, owner_name: str) -> Browser:
    assert (await browser.log_in(name=owner_name, password=PASSWORD)).status_code == 303
    return browser


async def test_what_an_owner_does_is_written_down_with_name_and_address(
    open_browser: OpenBrowser, owner_name: str, keys_url: str
) -> None:
    owner = open_browser(address="2001:db8:1::7")
    await owner.log_in(name=owner_name, password=PASSWORD)
    fields = {"form_token": token_in(await owner.shown("/p/p/settings")), "kind": "dt", "scope_read": "on"}
    token = re.findall(r"\bdt_[0-9a-f]{24}\b", (await owner.send("/p/p/settings", fields | {"name": "edge 7"})).text)[0]
    text = text_of(await owner.shown(PATH))
    assert re.search(rf"{owner_name}2001:db8:1::7key made.*name: edge 7", text)
    assert re.search(rf"{owner_name}2001:db8:1::7session begun.*by: password", text)
    assert (token[:8] in text, token in text) == (True, False)
    made, *_ = written(keys_url, "key.made")
    assert (made.actor_kind, made.actor, made.address, made.project_id) == ("user", owner_name, "2001:db8:1::7", "p")


@pytest.mark.parametrize("role", ["viewer", "member", "key"])
async def test_only_owners_see_it(browser: Browser, keys: Keys, keys_url: str, owner_name: str, role: Role) -> None:
    if role == "key":  # type: ignore[comparison-overlap]  # the third kind of visitor
        await browser.log_in(key=keys.triage)
    else:
        await browser.log_in(name=named(keys_url, role), password=PASSWORD)
    for path in (PATH, f"{PATH}.md"):
        text = text_of(await browser.shown(path))
        assert "Only owners of the project see who changed what" in text
        assert owner_name not in text


async def test_of_another_project_nothing_is_seen(owner: Browser, other_project: str, keys_url: str) -> None:
    with connect(keys_url) as db:
        create_user(db, f"Theirs {secrets.token_hex(4)}", None)
        audit(db, Deed(action="view.made", subject="view_of_q", project_id="q"))
    assert (await owner.get("/p/q/settings/audit")).status_code == 404
    text = text_of(await owner.shown(f"{PATH}?limit=1000"))
    assert "view_of_q" not in text
    assert "Theirs" not in text


async def test_it_is_filtered_and_leads_on_to_older_ones(owner: Browser, keys_url: str) -> None:
    marks = [f"view_{secrets.token_hex(4)}" for _ in range(7)]
    with connect(keys_url) as db:
        for mark in marks:
            audit(db, Deed(action="view.made", subject=mark, project_id="p", detail={"name": EVIL}))
    seen: list[str] = []
    path = f"{PATH}?action=view&limit=3"
    while path and len(seen) < len(marks):
        html = await owner.shown(path)
        is_harmless(html)
        assert "session begun" not in text_of(html)
        seen += re.findall(r"view_[0-9a-f]{8}", text_of(html))
        path = unescape("".join(re.findall(r'href="([^"]*)" rel="next"', html)))
    assert seen[:7] == marks[::-1]
    assert "Nothing of this kind" in text_of(await owner.shown(f"{PATH}?action=letters.purged"))
    markdown = await owner.shown(f"{PATH}.md?action=view")
    assert marks[0] in markdown
    assert (await owner.get(f"{PATH}?action=x")).status_code == (await owner.get(f"{PATH}?cursor=x")).status_code == 422
    assert (await owner.get(f"{PATH}?q=a&last=4h&action=key.made")).status_code == 200


async def test_refused_log_ins_are_kept_without_what_was_typed(
    open_browser: OpenBrowser, keys_url: str, owner_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = open_browser(address="2001:db8:2::1")
    monkeypatch.setattr(sessions_module, "UNKNOWN_KEPT", 10**6)
    typed = f"my password {secrets.token_hex(4)}"
    for fields in ({"name": typed, "password": "x"}, {"name": owner_name, "password": typed}, {"key": typed}):
        assert (await browser.log_in(**fields)).status_code == 403
    refused = [each for each in written(keys_url, "session.refused") if each.address == "2001:db8:2::1"]
    assert [(each.detail, each.actor_kind) for each in refused] == [
        ({"by": "key"}, "stranger"),
        ({"by": "password"}, "stranger"),
        ({"by": "password"}, "stranger"),
    ]
    assert typed not in repr(refused)
    monkeypatch.setattr(sessions_module, "UNKNOWN_KEPT", 0)
    for n in range(3):
        assert (await open_browser().log_in(key=f"dt_{n}")).status_code == 403
    assert (await open_browser().log_in(name=owner_name, password="wrong")).status_code == 403
    newest, *_ = written(keys_url, "session.refused")
    assert newest.detail == {"by": "password"}, "tries with a user's name are kept all the same"
    owner = open_browser()
    await owner.log_in(name=owner_name, password=PASSWORD)
    shown = text_of(await owner.shown(f"{PATH}?action=session.refused"))
    assert f"nobody known2001:db8:2::1session refused{owner_name}" in shown


async def test_a_links_and_a_keys_sessions_and_log_outs_are_written_down(
    open_browser: OpenBrowser, keys: Keys, keys_url: str, owner_name: str
) -> None:
    with connect(keys_url) as db:
        link = make_link(db, owner_name)
    by_link, by_key = open_browser(address="2001:db8:3::1"), open_browser(address="2001:db8:3::2")
    await by_link.log_in(link=link)
    await by_key.log_in(key=keys.triage)
    token = token_in(await by_link.shown("/p/p/logs"))
    assert (await by_link.send("/logout", {"form_token": token})).status_code == 303
    mine = [each for each in written(keys_url, "session") if each.address.startswith("2001:db8:3:")]
    assert [(each.action, each.actor_kind, each.actor, each.project_id) for each in mine] == [
        ("session.ended", "user", owner_name, None),
        ("session.begun", "key", "Ann", "p"),
        ("session.begun", "user", owner_name, None),
    ]
    assert [each.detail for each in mine] == [{}, {"by": "key"}, {"by": "link"}]
