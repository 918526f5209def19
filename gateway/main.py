"""`sluice gateway`: builds everything once, then serves."""

import asyncio
import gc
import os
import resource
import socket
from contextlib import suppress
from ipaddress import ip_network
from typing import Any

import structlog
import uvicorn
import uvloop

from gateway.admin import admin_endpoint
from gateway.app import Deps, Dispatch, build_app
from gateway.assembly import assemble
from gateway.http.crowd import MOST_REFUSED, Crowd
from gateway.http.server import Server
from gateway.traced import Traced
from shared import logging_setup, settings
from shared.endpoint import listening
from shared.memory import keep_large_apart, share_one_heap
from shared.settings import BadSetting
from shared.settings import Gateway as GatewaySettings

_log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 75
"""How long an idle connection stays open; SDKs send every few seconds."""

OWN_FILES = MOST_REFUSED + 200
"""Files that are open beside the connections that are served: those being refused, the queue, the neighbours."""


def gateway() -> None:
    """Run the HTTP gateway until SIGTERM or Ctrl-C; requests in flight are finished first."""
    config = settings.load(os.environ)
    logging_setup.configure(config.logs.level, config.logs.format, strangers=True)
    logging_setup.Detail(config.logs.level).listen()
    share_one_heap()
    keep_large_apart()
    uvloop.run(serve(config))


async def serve(config: settings.Settings) -> None:
    """Serve until a signal comes. Raises `BadSetting`, also for topics that don't fit the settings."""
    deps = assemble(config)
    await refuse_to_boot(deps)
    application = build_app(deps)
    listener = listen(config.gateway.host, config.gateway.port, share=config.gateway.share_port)
    host, port = listener.getsockname()[:2]
    admin, admin_port = admin_endpoint(deps), None
    if config.gateway.admin_port is not None:
        admin_port = await listening(
            admin, config.gateway.admin_host, config.gateway.admin_port, "SLUICE_GATEWAY_ADMIN"
        )
    _log.info("gateway listens", host=host, port=port, admin_port=admin_port)
    freeze_garbage()
    traced = application if deps.tracer is None else Traced(application, deps.tracer)
    server = Server(
        serving(traced, deps, config.gateway),
        head_timeout_s=config.gateway.head_timeout_s,
        answer_timeout_s=config.gateway.answer_timeout_s,
        give_up=deps.life.end_waits,
    )
    await server.serve(sockets=[listener])
    await admin.stop()
    if deps.tracer is not None:
        await asyncio.to_thread(deps.tracer.close)


def serving(application: Dispatch | Traced, deps: Deps, mine: GatewaySettings) -> uvicorn.Config:
    """How uvicorn serves the application. Raises `BadSetting`."""
    crowd: Any = Crowd(deps.request_ids, deps.apis, connections_of(mine.max_connections, raise_open_files()))
    return uvicorn.Config(
        application,
        http=crowd,
        ws="none",  # even where a WebSocket library is installed: a request to upgrade is answered like any other
        access_log=False,
        log_config=None,
        server_header=False,
        # Anybody can send the headers that name a proxy's client, and reading them costs a small request 5 %.
        proxy_headers=bool(mine.trusted_proxies),
        forwarded_allow_ips=trusted(mine.trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(mine.shutdown_s),
    )


def raise_open_files() -> int:
    """Raise this process's own limit of open files to the most that it may have, and return that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # where the most is no number
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft if soft != resource.RLIM_INFINITY else 2**31


def connections_of(wanted: int, open_files: int) -> int:
    """How many connections are served: as many as wanted, or as there are files for beside our own."""
    most = max(1, min(wanted, open_files - OWN_FILES))
    if most < wanted:
        _log.warning("too few files may be open for so many connections", wanted=wanted, served=most)
    return most


def trusted(setting: str) -> list[str]:
    """The addresses and networks of `SLUICE_GATEWAY_TRUSTED_PROXIES`. Raises `BadSetting` for anything else."""
    proxies = [proxy.strip() for proxy in setting.split(",") if proxy.strip()]
    for proxy in proxies:
        try:
            ip_network(proxy)
        except ValueError as error:
            raise BadSetting(f"SLUICE_GATEWAY_TRUSTED_PROXIES: {error}; name addresses such as 10.0.0.0/8") from error
    return proxies


async def refuse_to_boot(deps: Deps) -> None:
    """Raise `BadSetting` if a check finds that the process must not serve. A service that is away is no reason."""
    try:
        for check in deps.life.check:
            await check()
    except BadSetting:
        for stop in deps.life.stop:
            await stop()
        raise


def freeze_garbage() -> None:
    """Run the collector less often, and never over what lives as long as the process: it cost 19 %
    (performance.md, "The garbage collector")."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def listen(host: str, port: int, *, share: bool = False) -> socket.socket:
    """A listening socket; with `share` several gateways may use the port. Raises `BadSetting` if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if share:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        hint = "" if share else "; several gateways on one port need SLUICE_GATEWAY_SHARE_PORT=1 each"
        raise BadSetting(f"can't listen on {host} port {port}: {error.strerror}{hint}") from error
    listener.listen(2048)
    listener.set_inheritable(True)
    return listener
