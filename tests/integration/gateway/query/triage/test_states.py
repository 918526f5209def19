"""People change the states of error groups over HTTP (reading.md, "Status of a group")."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.query import Reader
from shared import error_states as module
from shared.error_states import States
from tests.integration.gateway.query.read_api import NOON, Store, client

A, B, C, MERGED = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
ERRORS = "/api/v1/projects/p/errors"
DAY_OF_NOON = {"start_time": "2026-01-15T00:00:00Z", "end_time": "2026-01-16T00:00:00Z"}


@pytest.fixture
async def api(store: Store, states: States) -> AsyncIterator[httpx.AsyncClient]:
    for each in (A, B, MERGED):
        store.add_errors({"fingerprint": each, "timestamp": NOON})
    store.add_errors({"fingerprint": C, "timestamp": NOON, "project_id": "q"})
    reader = Reader(store.url)
    async with client(reader, "triager", states=states, merged={MERGED: B}) as http:
        yield http
    await reader.close()


async def change(api: httpx.AsyncClient, fingerprint: str, **body: Any) -> dict[str, Any]:
    answer = await api.patch(f"{ERRORS}/{fingerprint}", json=body)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


async def detail(api: httpx.AsyncClient, fingerprint: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"{ERRORS}/{fingerprint}", params=DAY_OF_NOON)).json()
    return found


async def test_a_group_is_resolved_assigned_and_opened_and_remembers_it(api: httpx.AsyncClient) -> None:
    assert (await detail(api, A))["state"]["status"] == "open"
    resolved = await change(api, A, status="resolved", in_release="1.2.3", note="fixed by\nthe retry")
    assert resolved["fingerprint"] == A
    assert (resolved["state"]["status"], resolved["state"]["in_release"]) == ("resolved", "1.2.3")
    await change(api, A, assignee="ana")
    await change(api, A, status="open")
    await change(api, A, note="seen on staging too")
    found = await detail(api, A)
    assert (found["state"]["status"], found["state"]["in_release"]) == ("open", None)
    assert found["state"]["assignee"] == "ana"
    assert [each["note"] for each in found["history"]] == ["seen on staging too", None, None, "fixed by\nthe retry"]
    assert [each["state"]["status"] for each in found["history"]] == ["open", "open", "resolved", "resolved"]
    assert {each["by"] for each in found["history"]} == {"key k4"}
    assert (await change(api, A, assignee=None))["state"]["assignee"] is None


async def test_groups_are_listed_by_status(api: httpx.AsyncClient) -> None:
    await change(api, A, status="muted", until={"count": 10, "minutes": 5})

    async def listed(**status: str) -> set[str]:
        answer = await api.get(ERRORS, params=DAY_OF_NOON | status)
        return {group["fingerprint"] for group in answer.json()["groups"]}

    assert await listed() == {A, B}
    assert await listed(status="open") == {B}
    assert await listed(status="muted") == {A}
    assert await listed(status="resolved") == set()
    assert await listed(status="resolved,muted") == {A}
    assert (await api.get(ERRORS, params={"status": "done"})).status_code == 422


async def test_a_merged_fingerprint_stands_for_its_group(api: httpx.AsyncClient) -> None:
    assert (await change(api, MERGED, status="resolved"))["fingerprint"] == B
    assert (await detail(api, MERGED))["state"]["status"] == "resolved"


async def test_several_groups_are_changed_or_none(api: httpx.AsyncClient, states: States) -> None:
    many = await api.patch(ERRORS, json={"fingerprints": [A, B, MERGED], "status": "resolved"})
    assert many.status_code == 200, many.text
    assert [group["fingerprint"] for group in many.json()["groups"]] == [A, B]
    answer = await api.patch(ERRORS, json={"fingerprints": [A, "e" * 64], "status": "open"})
    assert answer.status_code == 404
    assert {state.status for state in (await states.find("p", [A, B])).values()} == {"resolved"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["status"]),
        ({"status": "done"}, ["status"]),
        ({"status": "open", "in_release": "1"}, ["in_release"]),
        ({"status": "resolved", "until": {"count": 1, "minutes": 1}}, ["until"]),
        ({"status": "muted", "until": {"count": 0, "minutes": 9999}}, ["until", "until"]),
        ({"status": "muted", "until_time": "2020-01-01T00:00:00Z"}, ["until_time"]),
        ({"assignee": "a\u0000b"}, ["assignee"]),
        ({"note": "a\u0000b"}, ["note"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_what_can_not_be_meant_is_named(api: httpx.AsyncClient, body: dict[str, Any], fields: list[str]) -> None:
    answer = await api.patch(f"{ERRORS}/{A}", json=body)
    assert answer.status_code == 422, answer.text
    assert [each["loc"][1] for each in answer.json()["detail"]] == fields


async def test_a_change_needs_the_scope_and_a_group_of_the_project(api: httpx.AsyncClient) -> None:
    resolved = {"status": "resolved"}
    for key, status in (("reader", 403), ("stranger", 403), ("", 401)):
        answer = await api.patch(f"{ERRORS}/{A}", json=resolved, headers={"x-api-key": key})
        assert answer.status_code == status, key
    for fingerprint in (C, "none", "e" * 64):
        assert (await api.patch(f"{ERRORS}/{fingerprint}", json=resolved)).status_code == 404
    assert (await api.patch(f"/api/v1/projects/q/errors/{C}", json=resolved)).status_code == 404


async def test_states_are_bounded(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_STATES", 1)
    await change(api, A, status="resolved")
    answer = await api.patch(f"{ERRORS}/{B}", json={"status": "resolved"})
    assert answer.status_code == 409
    await change(api, A, status="muted")
