"""Alert rules over HTTP (alerts.md, "The API"), on a gateway process with real Postgres."""

import json
from typing import Any

import pytest

from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from tests.integration.gateway.gateway_process import PROJECT, Answer, GatewayProcess, Keys

URL = "https://127.0.0.1:1/hook/a-token"
LAG = {"name": "lag", "kind": "lag", "minutes": 5, "url": URL}


class Client:
    """Asks for the rules of a project with a key."""

    def __init__(self, gateway: GatewayProcess, key: str, project: str = PROJECT) -> None:
        self._gateway = gateway
        self._headers = {"X-API-Key": key}
        self._path = f"/api/v1/projects/{project}/alerts"

    def __call__(self, method: str, rule: str = "", body: object = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        return self._gateway.request(method, self._path + rule, data, self._headers)


def key(keys_url: str, project: str, *scopes: Any) -> str:
    made = generate("dt")
    with connect(keys_url) as db:
        create_key(db, project, made, scopes=scopes)
    return made


@pytest.fixture(scope="module")
def owner(gateway: GatewayProcess, keys: Keys, keys_url: str) -> Client:
    """The project has no rules yet, whatever other tests have left."""
    with connect(keys_url) as db:
        db.execute("DELETE FROM alert_rules")
    return Client(gateway, key(keys_url, PROJECT, "triage", "operate"))


@pytest.fixture(scope="module")
def stranger(gateway: GatewayProcess, keys_url: str) -> Client:
    with connect(keys_url) as db:
        create_project(db, Project(id="stranger", name="S"))
    return Client(gateway, key(keys_url, "stranger", "triage", "operate"), "stranger")


def test_a_rule_is_made_changed_tried_and_deleted_and_its_secrets_are_not_shown(
    owner: Client, gateway: GatewayProcess, keys_url: str
) -> None:
    made = owner("POST", body=LAG)
    assert (made.status, made.json["host"], len(made.json["secret"])) == (201, "https://127.0.0.1:1", 43)
    place = f"/{made.json['id']}"
    kept = owner("GET", place)
    assert kept.json == {"alert": made.json | {"secret": None}, "deliveries": []}
    assert owner("GET").json == {"alerts": [kept.json["alert"]]}
    tried = owner("POST", f"{place}/test")
    assert (tried.status, tried.json["state"]) == (200, "failed")
    assert "not public" in tried.json["tries"][0]["problem"]
    assert owner("GET", place).json["deliveries"] == [tried.json]
    changed = owner("PUT", place, {"name": "budget", "kind": "llm_cost", "usd": 2.5, "period": "day"})
    assert (changed.status, changed.json["secret"], changed.json["minutes"]) == (200, None, None)
    for answer in (kept, tried, changed):
        assert b"a-token" not in answer.body
        assert made.json["secret"].encode() not in answer.body
    assert "a-token" not in gateway.log
    assert owner("DELETE", place).json["name"] == "budget"
    with connect(keys_url) as db:
        written = db.execute(
            "SELECT action, detail FROM audit_log WHERE subject = %s ORDER BY id", [made.json["id"]]
        ).fetchall()
    assert [action for action, _ in written] == ["alert.made", "alert.changed", "alert.deleted"]
    assert "a-token" not in str(written)
    for method, path, body in (("GET", place, None), ("PUT", place, LAG), ("DELETE", place, None)):
        assert owner(method, path, body).json == {"detail": "Alert rule not found"}
    assert owner("POST", f"{place}/test").status == 404


def test_names_are_taken_once_and_faults_are_named(owner: Client) -> None:
    place = f"/{owner('POST', body=LAG).json['id']}"
    again = owner("POST", body=LAG)
    assert again.status == 409
    assert place[1:] in again.json["detail"]
    bad = owner("POST", body=LAG | {"minutes": None, "count": 3, "url": "http://example.com"})
    assert [each["loc"][1] for each in bad.json["detail"]] == ["count", "minutes", "url"]
    assert owner("GET", "/%00").status == 404
    assert owner("DELETE", place).status == 200


def test_who_may_and_who_sees(owner: Client, stranger: Client, gateway: GatewayProcess, keys: Keys) -> None:
    place = f"/{owner('POST', body=LAG).json['id']}"
    triage, reader = Client(gateway, keys.triage), Client(gateway, keys.read)
    assert triage("GET", place).status == 200
    assert reader("GET", place).status == 403
    for method, path, body in (("POST", "", LAG), ("PUT", place, LAG), ("DELETE", place, None)):
        assert triage(method, path, body).json == {"detail": "API key lacks the operate scope"}
        assert stranger(method, place if path else "", body).status == (404 if path else 201)
    assert triage("POST", f"{place}/test").status == 403
    assert stranger("POST", f"{place}/test").status == 404
    assert len(stranger("GET").json["alerts"]) == len(owner("GET").json["alerts"]) == 1
    assert owner("DELETE", place).status == 200
