"""How the gateway is served."""

from pathlib import Path

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.app import Dispatch, build_app
from gateway.assembly import assemble
from gateway.main import serving
from shared import settings
from shared.queue.base import Producer, Queue
from shared.settings import BadSetting


def served(folder: Path, **environment: str) -> object:
    """What uvicorn calls for a request."""
    config = settings.load({"SLUICE_QUEUE_URL": f"sqlite:///{folder}/queue.db", **environment})
    deps = assemble(config)
    made = serving(build_app(deps), deps, config.gateway)
    made.load()
    return made.loaded_app


def test_forwarded_headers_count_for_nothing_unless_proxies_are_named(tmp_path: Path) -> None:
    assert isinstance(served(tmp_path), Dispatch)


async def test_a_named_proxy_is_believed_and_nobody_else(tmp_path: Path) -> None:
    app = served(tmp_path, SLUICE_GATEWAY_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8")
    assert isinstance(app, ProxyHeadersMiddleware)
    seen: list[object] = []

    async def note(scope: dict[str, object], receive: object, send: object) -> None:
        seen.append(scope["client"])

    app.app = note  # type: ignore[assignment]
    for proxy in ("127.0.0.1", "10.1.2.3", "192.0.2.1"):
        headers = [(b"x-forwarded-for", b"198.51.100.7")]
        await app({"type": "http", "client": (proxy, 1), "headers": headers}, None, None)  # type: ignore[arg-type,typeddict-item]
    assert seen == [("198.51.100.7", 0), ("198.51.100.7", 0), ("192.0.2.1", 1)]


@pytest.mark.parametrize("name", ["proxy.example", "10.0.0.1/8", "*", "10.0.0.0/8 10.0.0.1"])
def test_what_is_no_address_is_refused_at_the_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSetting, match="SLUICE_GATEWAY_TRUSTED_PROXIES"):
        served(tmp_path, SLUICE_GATEWAY_TRUSTED_PROXIES=name)


@pytest.mark.parametrize(("roles", "producers"), [("query", 0), ("ingest", 1), ("ingest,query", 1)])
def test_a_process_that_only_reads_makes_no_producer(
    roles: str, producers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.assembly import common

    made: list[Producer] = []

    def open_queue(config: settings.Settings) -> Queue:
        queue = real(config)
        producer = queue.producer
        monkeypatch.setattr(queue, "producer", lambda: made.append(producer()) or made[-1])
        return queue

    real = common.open_queue
    monkeypatch.setattr(common, "open_queue", open_queue)
    deps = assemble(settings.load({"SLUICE_GATEWAY_ROLES": roles, "SLUICE_QUEUE_URL": f"sqlite:///{tmp_path}/q.db"}))
    assert (len(made), deps.ingest is not None) == (producers, bool(producers))
