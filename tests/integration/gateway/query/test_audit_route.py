"""The audit log over HTTP (reading.md, "Audit log"), on a gateway process with real Postgres."""

import json
import re
import secrets

import pytest

from shared.clients.postgres import connect
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.gateway_process import PROJECT, GatewayProcess, Keys

PATH = f"/api/v1/projects/{PROJECT}"


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> GatewayProcess:
    """Behind a proxy."""
    return start_gateway(trusted_proxies="127.0.0.1")


@pytest.fixture(scope="module")
def operator(keys: Keys, keys_url: str) -> dict[str, str]:
    """Headers of who may operate the project."""
    with connect(keys_url) as db:
        create_key(db, PROJECT, key := generate("dt"), scopes=["operate"], name="Olga")
    return {"X-API-Key": key}


def test_what_a_key_does_is_found_with_its_name_and_the_clients_address(
    gateway: GatewayProcess, keys: Keys, operator: dict[str, str]
) -> None:
    by = {"X-API-Key": keys.triage, "X-Forwarded-For": "198.51.100.7"}
    for n in range(3):
        body = {"page": "logs", "name": f"{secrets.token_hex(4)} {n}", "state": "q=secret"}
        assert gateway.request("POST", f"{PATH}/views", json.dumps(body).encode(), by).status == 201
    first = gateway.request("GET", f"{PATH}/audit?action=view&limit=2", headers=operator)
    second, one = first.json["entries"]
    assert (first.status, second["subject"][:5], second["detail"]["name"][-1]) == (200, "view_", "2")
    assert one["detail"] == {"page": "logs", "name": one["detail"]["name"]}
    assert (one["action"], one["by"]["kind"], one["by"]["name"]) == ("view.made", "key", "Ann")
    assert (one["by"]["address"], one["all_projects"]) == ("198.51.100.7", False)
    (following,) = re.findall(r'<([^>]*)>; rel="next"', first.headers["link"])
    older = gateway.request("GET", following, headers=operator)
    assert older.json["entries"][0]["detail"]["name"].endswith(" 0")
    everything = gateway.request("GET", f"{PATH}/audit/?action=view&limit=1000", headers=operator)
    assert (everything.json["next"], "link" in everything.headers) == (None, False)


def test_who_may_and_what_may_be_asked(
    gateway: GatewayProcess, keys: Keys, keys_url: str, operator: dict[str, str]
) -> None:
    other = f"o{secrets.token_hex(4)}"
    with connect(keys_url) as db:
        create_project(db, Project(id=other, name="theirs"))
        create_key(db, other, key := generate("dt"), scopes=["operate"])

    def status(path: str, headers: dict[str, str]) -> int:
        return gateway.request("GET", path, headers=headers).status

    assert status(f"{PATH}/audit", {}) == 401
    assert status(f"{PATH}/audit", {"X-API-Key": keys.triage}) == 403
    assert status(f"{PATH}/audit", {"X-API-Key": key}) == 404
    for asked in ("action=x", "limit=0", "cursor=x", "cursor=LTE", "cursor=MTAwMDAwMDAwMDAwMDAwMDAwMDAw", "page=2"):
        assert status(f"{PATH}/audit?{asked}", operator) == 422, asked
    theirs = gateway.request("GET", f"/api/v1/projects/{other}/audit", headers={"X-API-Key": key}).json["entries"]
    assert [each["action"] for each in theirs] == ["key.made", "project.made"]
