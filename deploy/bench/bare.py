"""The gateway's limit: Starlette reads the body and answers. `python -m deploy.bench.bare PORT`.

The server's settings are those of `gateway.main`, and so is what it does about the garbage collector: the difference is
what the gateway does with a request.
"""

import http.client
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deploy.local.child import Child, Command
from deploy.local.ports import HOST


async def _read(request: Request) -> PlainTextResponse:
    await request.body()
    return PlainTextResponse("ok")


class BareServer(Child):
    """The process."""

    role = "bare Starlette"

    def __init__(self, log: Path) -> None:
        super().__init__(log)

    def command(self) -> Command:
        return Command([sys.executable, "-m", "deploy.bench.bare", str(self.port)])

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=0.5)
        try:
            connection.request("POST", "/ingest/logs", b"{}")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def main(port: int) -> None:
    from gateway.main import KEEP_ALIVE_S, freeze_garbage, listen

    app = Starlette(routes=[Route("/{path:path}", _read, methods=["POST"])])
    listener = listen(HOST, port)
    freeze_garbage()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
    )
    server.run(sockets=[listener])


if __name__ == "__main__":
    main(int(sys.argv[1]))
