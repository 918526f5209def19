"""Settings, Drain: owners set the secret and the code of their project's drain (pages.md, "Settings")."""

import re
import secrets
from collections.abc import AsyncIterator

import pytest

from shared.audit_log import Wanted, list_entries
from shared.clients.postgres import Postgres, connect
from shared.clients.redis import Redis
from shared.keys import REVOCATIONS, find_key, hash_key
from shared.projects import find_project
from tests.integration.gateway.gateway_process import Keys
from tests.integration.gateway.query.pages.browser import Browser, token_in
from tests.integration.gateway.query.pages.conftest import OpenBrowser
from tests.integration.gateway.query.pages.markup import EVIL, is_harmless, text_of
from tests.integration.gateway.query.pages.test_settings import member

PATH = "/p/p/settings/drain"
THEIRS = "from-vercel-" + "x" * 32


@pytest.fixture
async def owner(browser: Browser, keys_url: str, keys: Keys) -> AsyncIterator[Browser]:
    yield await member(browser, keys_url, "owner")
    with connect(keys_url) as db:
        db.execute("UPDATE projects SET drain_secret = NULL, drain_verify = NULL")


@pytest.fixture
async def postgres(keys_url: str) -> AsyncIterator[Postgres]:
    opened = Postgres(keys_url)
    yield opened
    await opened.close()


async def sent(browser: Browser, status: int = 200, **fields: str) -> str:
    form = {"form_token": token_in(await browser.shown(PATH)), **fields}
    answer = await browser.send(PATH, form)
    assert answer.status_code == status, answer.text
    return answer.text


def newest_details(keys_url: str, n: int) -> list[object]:
    with connect(keys_url) as db:
        return [each.detail for each in list_entries(db, "p", Wanted(actions=["project.changed"], limit=n))]


async def test_a_secret_is_set_replaced_taken_away_and_never_shown(
    owner: Browser, keys: Keys, keys_url: str, postgres: Postgres
) -> None:
    assert "http://sluice.test/ingest/drain/p" in (html := await owner.shown(PATH))
    assert "None: deliveries need a key, and no signature" in text_of(html)
    assert THEIRS not in await sent(owner, do="secret", secret=f" {THEIRS} ")
    found = await find_key(postgres, hash_key(keys.ingest))
    assert (found and found.drain_secret) == THEIRS
    assert THEIRS not in await owner.shown(PATH) + (told := await owner.shown(f"{PATH}.md"))
    assert "Secret: set" in told
    made = re.findall(r'<code class="code">([0-9a-f]{48})</code>', await sent(owner, do="make"))
    assert [(await find_project(postgres, "p")).drain_secret] == made
    assert made[0] not in (html := await owner.shown(PATH))
    assert "It is not shown again" in text_of(html)
    assert "Take the secret away?" in text_of(await owner.shown(f"{PATH}?remove=secret"))
    assert "need not be signed" in await sent(owner, do="remove")
    assert (await find_project(postgres, "p")).drain_secret is None
    details = newest_details(keys_url, 3)
    assert details == [{"drain_secret": each} for each in (["set", "none"], ["set", "replaced"], ["none", "set"])]


async def test_a_code_is_set_shown_and_taken_away(owner: Browser, postgres: Postgres) -> None:
    code = secrets.token_hex(20)
    assert f'value="{code}"' in await sent(owner, do="verify", verify=f" {code}\n")
    assert (await find_project(postgres, "p")).drain_verify == code
    told = await owner.shown(f"{PATH}.md")
    assert f"```\n{code}\n```" in told
    assert "http://sluice.test/ingest/drain/p" in told
    assert "The code is gone" in await sent(owner, do="verify", verify="")
    assert (await find_project(postgres, "p")).drain_verify is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"do": "secret", "secret": "x" * 31}, "32 to 255 printable characters"),
        ({"do": "secret", "secret": "x" * 256}, "32 to 255 printable characters"),
        ({"do": "secret", "secret": "x" * 40 + "\0y"}, "32 to 255 printable characters"),
        ({"do": "verify", "verify": "a\r\nset-cookie: b"}, "printable ASCII"),
        ({"do": "verify", "verify": "é"}, "printable ASCII"),
        ({"do": "verify", "verify": "x" * 256}, "printable ASCII"),
        ({"do": EVIL, "verify": EVIL}, "printable ASCII"),
    ],
)
async def test_what_can_not_be_one_is_refused(
    owner: Browser, postgres: Postgres, fields: dict[str, str], said: str
) -> None:
    html = await sent(owner, 422, **fields)
    assert said in text_of(html)
    is_harmless(html)
    project = await find_project(postgres, "p")
    assert (project.drain_secret, project.drain_verify) == (None, None)


async def test_only_owners_may_and_gateways_are_told(
    owner: Browser, open_browser: OpenBrowser, keys: Keys, keys_url: str, other_project: str, redis_url: str
) -> None:
    await sent(owner, do="verify", verify="a-code")
    viewer = await member(open_browser(), keys_url, "member")
    for path in (PATH, f"{PATH}.md"):
        assert "a-code" not in (shown := await viewer.shown(path))
        assert "Only owners" in text_of(shown)
    await sent(viewer, 403, do="make")
    token = token_in(await owner.shown(PATH))
    assert (await owner.send("/p/q/settings/drain", {"form_token": token, "do": "make"})).status_code == 404
    assert (await owner.send(PATH, {"form_token": "x", "do": "make"})).status_code == 403
    redis = Redis(redis_url, timeout_s=30)
    heard: list[str | None] = []
    listening = redis.listen(REVOCATIONS)
    try:
        assert await anext(listening) is None
        await sent(owner, do="make")
        while hash_key(keys.ingest) not in heard:
            heard.append(await anext(listening))
    finally:
        await redis.close()
