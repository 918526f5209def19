"""`sluice gateway`: builds everything once, then serves."""

import gc
import os
import socket

import structlog
import uvicorn
import uvloop

from gateway.app import build_app
from gateway.assembly import assemble
from gateway.http.connection import connections
from gateway.http.server import Server
from shared import logging_setup, settings
from shared.settings import BadSetting

_log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 75
"""How long an idle connection stays open; SDKs send every few seconds."""


def gateway() -> None:
    """Run the HTTP gateway until SIGTERM or Ctrl-C; requests in flight are finished first."""
    logging_setup.configure()
    uvloop.run(serve(settings.load(os.environ)))


async def serve(config: settings.Settings) -> None:
    """Serve until a signal comes."""
    deps = assemble(config)
    application = build_app(deps)
    listener = listen(config.gateway.host, config.gateway.port, share=config.gateway.share_port)
    host, port = listener.getsockname()[:2]
    _log.info("gateway listens", host=host, port=port)
    freeze_garbage()
    server = Server(
        uvicorn.Config(
            application,
            http=connections(deps.ingest.request_ids, deps.ingest.apis),
            ws="none",  # whatever is installed: a request to upgrade is answered as any other
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(config.gateway.shutdown_s),
        ),
        head_timeout_s=config.gateway.head_timeout_s,
        give_up=deps.ingest.bodies.give_up,
    )
    await server.serve(sockets=[listener])


def freeze_garbage() -> None:
    """Have the collector look less often, and never at what lives as long as the process: it cost 19 % (08)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def listen(host: str, port: int, *, share: bool = False) -> socket.socket:
    """A listening socket, which with `share` several gateways may have. Raises `BadSetting` for a taken port."""
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
