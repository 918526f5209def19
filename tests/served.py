"""Files of a folder as the pages of an origin: what a page is served by from this machine may reach it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx

from deploy.local.ports import HOST


@contextmanager
def served(folder: Path, tunnel_to: str = "") -> Iterator[str]:
    """The origin. What a page posts to it is posted to the URL `tunnel_to`, as Sentry's documents describe a tunnel."""
    with ThreadingHTTPServer((HOST, 0), partial(_Handler, directory=folder, tunnel_to=tunnel_to)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: object, directory: Path, tunnel_to: str) -> None:
        self._tunnel_to = tunnel_to
        super().__init__(*args, directory=str(directory))  # type: ignore[arg-type]

    def do_POST(self) -> None:
        answer = httpx.post(self._tunnel_to, content=self.rfile.read(int(self.headers["content-length"])))
        self.send_response(answer.status_code)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        pass
