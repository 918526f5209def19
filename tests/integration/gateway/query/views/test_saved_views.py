"""Saved views over HTTP (reading.md, "Views"), on a gateway process with real Postgres."""

import gzip
import json
from typing import Any

import pytest

from gateway.query.json_body import MAX_BYTES
from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from tests.integration.gateway.gateway_process import PROJECT, Answer, GatewayProcess, Keys

SLOW = {"page": "traces", "name": "slow ones", "state": "q=duration:%3E1s&last=24h"}


class Client:
    """Asks for the views of a project with a key."""

    def __init__(self, gateway: GatewayProcess, key: str, project: str = PROJECT) -> None:
        self._gateway = gateway
        self._headers = {"X-API-Key": key} if key else {}
        self._path = f"/api/v1/projects/{project}/views"

    def __call__(self, method: str, view: str = "", body: object = None, **headers: str) -> Answer:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return self._gateway.request(method, self._path + view, data, self._headers | headers)

    def views(self) -> list[Any]:
        found: list[Any] = self("GET").json["views"]
        return found


@pytest.fixture
def ann(gateway: GatewayProcess, keys: Keys) -> Client:
    """A person who may change views. There are none at first."""
    client = Client(gateway, keys.triage)
    for view in client.views():
        assert client("DELETE", f"/{view['id']}").status == 200
    return client


@pytest.fixture(scope="module")
def stranger(gateway: GatewayProcess, keys_url: str) -> Client:
    """Who may do the same in another project."""
    key = generate("dt")
    with connect(keys_url) as db:
        create_project(db, Project(id="stranger", name="S"))
        create_key(db, "stranger", key, scopes=["read", "triage"])
    return Client(gateway, key, "stranger")


def test_a_view_is_saved_found_changed_and_deleted(ann: Client) -> None:
    assert ann.views() == []
    answer = ann("POST", body=SLOW)
    made = answer.json
    assert answer.status == 201
    assert made == SLOW | {key: made[key] for key in ("id", "created_by", "created_at", "updated_at")}
    assert made["created_by"]["name"] == "Ann"
    assert ann.views() == [made]
    place = f"/{made['id']}"
    assert ann("GET", place).json == ann("GET", f"{place}/").json == made
    assert ann("HEAD", place).status == 200
    changed = ann("PUT", place, SLOW | {"name": "slower ones"})
    assert (changed.status, changed.json["name"], changed.json["id"]) == (200, "slower ones", made["id"])
    assert ann("PUT", place, SLOW | {"name": "slower ones"}).json == changed.json
    assert ann("DELETE", place).json == changed.json
    assert [ann(method, place, body).status for method, body in (("GET", None), ("PUT", SLOW), ("DELETE", None))] == [
        404,
        404,
        404,
    ]
    assert ann.views() == []


def test_a_name_is_one_view_of_its_page(ann: Client) -> None:
    first = ann("POST", body=SLOW).json
    other = ann("POST", body=SLOW | {"page": "llm"}).json
    for refused in (ann("POST", body=SLOW), ann("PUT", f"/{other['id']}", SLOW)):
        assert refused.status == 409
        assert first["id"] in refused.json["detail"]
    assert ann.views() == [other, first]


def test_who_may(ann: Client, gateway: GatewayProcess, keys: Keys, keys_url: str) -> None:
    decides = generate("dt")
    with connect(keys_url) as db:
        create_key(db, PROJECT, decides, scopes=["triage"])
    made = Client(gateway, decides)("POST", body=SLOW)
    assert made.status == 201
    place = f"/{made.json['id']}"
    for key, methods, status, sentence in (
        ("", ("GET", "POST"), 401, "Invalid API key"),
        (keys.read, ("POST", "PUT", "DELETE"), 403, "API key lacks the triage scope"),
        (keys.browser, ("POST", "PUT", "DELETE"), 403, "API key lacks the triage scope"),
        (decides, ("GET",), 403, "API key lacks the read scope"),
    ):
        for method in methods:
            refused = Client(gateway, key)(method, "" if method == "POST" else place, SLOW)
            assert (refused.status, refused.json) == (status, {"detail": sentence})
    assert Client(gateway, keys.read).views() == ann.views() == [made.json]


def test_of_another_project_nothing_is_found(
    ann: Client, stranger: Client, gateway: GatewayProcess, keys: Keys
) -> None:
    place = f"/{ann('POST', body=SLOW).json['id']}"
    theirs = stranger("POST", body=SLOW)
    assert theirs.status == 201
    assert stranger.views() == [theirs.json]
    across = Client(gateway, keys.triage, "stranger")
    for method in ("GET", "PUT", "DELETE"):
        refused = stranger(method, place, SLOW)
        assert (refused.status, refused.json) == (404, {"detail": "View not found"})
        refused = across(method, f"/{theirs.json['id']}", SLOW)
        assert (refused.status, refused.json) == (404, {"detail": "Project not found"})
    assert across("POST", body=SLOW).status == across("GET").status == 404
    assert len(ann.views()) == len(stranger.views()) == 1
    assert stranger("DELETE", f"/{theirs.json['id']}").status == 200


def test_bodies_are_judged_as_those_of_ingest(ann: Client) -> None:
    assert ann("POST", body=SLOW | {"name": 1}).json["detail"][0]["loc"] == ["body", "name"]
    assert ann("POST", body=b"{").json["detail"][0]["type"] == "json_invalid"
    assert ann("POST", body=b"").status == 422
    assert ann("POST", body=b" " * (MAX_BYTES + 1)).status == 413
    assert ann("POST", body=b"x", **{"Content-Encoding": "rot13"}).status == 415
    assert ann("POST", body=b"x", **{"Content-Encoding": "gzip"}).status == 422
    packed = gzip.compress(json.dumps(SLOW).encode())
    assert ann("POST", body=packed, **{"Content-Encoding": "gzip"}).status == 201
    assert ann("GET", "?x=1").status == ann("POST", "?x=1", SLOW).status == 422
    assert set(ann("PATCH").headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert ann("GET", "/%00").status == 404
