"""The admin port takes what operators ask for off the public one (operating.md, "The admin port")."""

from pathlib import Path

import httpx
import pytest

from gateway.admin import admin_endpoint
from gateway.app import Deps, build_app
from gateway.assembly import assemble
from shared import settings
from shared.endpoint import Endpoint, listening
from shared.settings import BadSetting


def deps_of(folder: Path, **environment: str) -> Deps:
    return assemble(settings.load({"SLUICE_QUEUE_URL": f"sqlite:///{folder}/queue.db", **environment}))


@pytest.mark.parametrize(("port", "public"), [("", True), ("0", False)])
async def test_what_operators_ask_for_is_public_only_without_an_admin_port(
    tmp_path: Path, port: str, public: bool
) -> None:
    app = build_app(deps_of(tmp_path, SLUICE_GATEWAY_ADMIN_PORT=port))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        assert (await client.get("/health")).status_code == 200
        for path in ("/metrics", "/metrics/", "/health/ready", "/health/ready/"):
            assert ((await client.get(path)).status_code != 404) is public
        assert ("/metrics" in (await client.get("/openapi.json")).json()["paths"]) is public


async def test_the_admin_port_answers_all_of_it(tmp_path: Path) -> None:
    endpoint = admin_endpoint(deps_of(tmp_path, SLUICE_GATEWAY_ADMIN_PORT="0"))
    port = await listening(endpoint, "127.0.0.1", 0, "SLUICE_GATEWAY_ADMIN")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        metrics = await client.get("/metrics")
        assert metrics.status_code == 200
        assert 'sluice_build_info{envelope="2",version=' in metrics.text
        assert (await client.get("/health/?probe")).json()["status"] == "ok"
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")  # nobody is there
        assert (await client.get("/ingest/logs")).status_code == 404
    await endpoint.stop()


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    first = Endpoint({})
    port = await first.start("127.0.0.1", 0)
    with pytest.raises(BadSetting, match=f"SLUICE_GATEWAY_ADMIN_PORT={port} can't be listened on"):
        await listening(Endpoint({}), "127.0.0.1", port, "SLUICE_GATEWAY_ADMIN")
    await first.stop()
