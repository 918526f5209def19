"""Metrics of a command that goes on until Ctrl-C."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, start_http_server
from rich.console import Console

from shared.commands.common import fail

MetricsPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Until Ctrl-C, serve Prometheus metrics at this port"),
]
MetricsHost = Annotated[
    str, typer.Option(help="Address that they are served on; 0.0.0.0 where Prometheus comes from outside")
]


@contextmanager
def served(host: str, port: int | None, registry: CollectorRegistry) -> Iterator[None]:
    """Serve /metrics while the `with` lasts; None: don't. Ends the command if the port can't be listened on."""
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        fail(f"{host} port {port} can't be listened on: {error}")
    Console(stderr=True).print(f"serving http://{host}:{server.server_port}/metrics", highlight=False)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
