"""`python -m deploy.bench.peer`."""

import typer

from deploy.bench.peer.command import peer

typer.run(peer)
