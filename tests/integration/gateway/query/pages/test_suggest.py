"""What is suggested while a query is typed (pages.md, "Suggestions"), and the menu of saved views."""

import secrets
from typing import Any
from urllib.parse import urlencode

import pytest

from shared.audit import Actor
from shared.clients.postgres import Postgres
from shared.views import Shown, Views
from tests.integration.gateway.query.pages.browser import Browser, links_in
from tests.integration.gateway.query.pages.markup import EVIL, RANGE, is_harmless
from tests.integration.gateway.query.read_api import NOON, Store

BY = Actor(kind="key", id="key_x", address="192.0.2.7")


async def suggested(browser: Browser, signal: str, field: str = "") -> dict[str, str]:
    """Text -> note."""
    given = urlencode({"signal": signal, **({"field": field} if field else {})})
    answer = await browser.get(f"/p/p/suggest?{RANGE}&{given}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
    found: list[tuple[str, str]] = answer.json()
    return dict(found)


def add_rows(store: Store) -> None:
    store.add_logs(
        {"service": "api", "user_id": 'Ann "A" B', "attributes": '{"http":{"status":500}}'},
        {"service": "api", "timestamp": NOON - 1},
        {"service": "my shop", "timestamp": NOON - 2, "user_id": "x" * 300},
        {"service": "of another", "project_id": "q"},
        {"service": "of another day", "timestamp": NOON - 86_400_000_000},
    )
    store.add_spans({"trace_id": "t", "operation": "GET /a", "service": "web", "status": "error"})
    store.add_calls({"model": "large", "service": "chat"})
    store.add_errors({"type": "TypeError", "service": "web", "release": "web@1"})


async def test_fields_and_values_are_suggested_as_a_query_has_them(store: Store, reader: Browser) -> None:
    add_rows(store)
    fields = await suggested(reader, "logs")
    assert (fields["service:"], fields["level:"], fields["attr.http.status:"]) == ("text", "level", "33 %")
    assert await suggested(reader, "logs", "service") == {"service:api": "2", 'service:"my shop"': "1"}
    assert await suggested(reader, "logs", "user") == {'user:"Ann \\"A\\" B"': "1"}
    assert await suggested(reader, "logs", "attr.http.status") == {"attr.http.status:500": "1"}
    assert list(await suggested(reader, "logs", "level"))[-2:] == ["level:error", "level:fatal"]
    assert list(await suggested(reader, "errors", "handled")) == ["handled:yes", "handled:no"]
    assert await suggested(reader, "errors", "release") == {"release:web@1": "1"}
    assert await suggested(reader, "traces", "operation") == {'operation:"GET /a"': "1"}
    assert await suggested(reader, "llm", "model") == {"model:large": "1"}


@pytest.mark.parametrize("signal", ["logs", "errors", "traces", "llm"])
@pytest.mark.parametrize("field", ["message", "nosuch", "attr.", "attr.a,b", "attr." + "a." * 60, EVIL, "cost", "url"])
async def test_what_has_no_such_values_has_none(store: Store, reader: Browser, signal: str, field: str) -> None:
    assert await suggested(reader, signal, field) == {}


async def test_what_nobody_may_ask_is_refused(store: Store, reader: Browser, stranger: Browser) -> None:
    for wrong in ("signal=usage", "last=x", "q=a&what=b", f"field={'x' * 300}"):
        assert (await reader.get(f"/p/p/suggest?{wrong}")).status_code == 422
    assert (await stranger.get("/p/p/suggest")).status_code == 404
    stranger.cookies.clear()
    assert (await stranger.get("/p/p/suggest")).status_code == 303


async def test_the_menu_has_the_views_of_the_page_and_its_tabs(store: Store, reader: Browser, keys_url: str) -> None:
    store.add_logs({"message": "a"})
    name, postgres = secrets.token_hex(4), Postgres(keys_url)
    views, made = Views(postgres), []
    shown: list[tuple[str, Any]] = [
        ("logs/patterns", f"{RANGE}&sort=new"),
        ("logs", f"{RANGE}&q=a%2Bb&columns=attr.k"),
        ("errors", RANGE),
    ]
    try:
        for page, state in shown:
            made.append(await views.add("p", Shown(page, f"{EVIL[:60]}{name}", state), BY))
        patterns, logs, errors = (f"/p/p/{page}?{state}" for page, state in shown)
        html = await reader.shown(logs)
        assert html.count(f"{name}</span>") == 2
        assert {patterns, logs} <= set(links_in(html))
        assert errors not in links_in(html)
        (here,) = [part for part in html.split("<a ") if f"{name}</span>" in part and 'aria-current="true"' in part]
        assert "attr.k" in here
        is_harmless(html)
        assert (await reader.get(patterns)).status_code == 200
        assert errors in links_in(await reader.shown(f"/p/p/errors?{RANGE}"))
    finally:
        for each in made:
            await views.remove("p", each.id, BY)
        await postgres.close()
