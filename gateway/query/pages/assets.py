"""The files that pages load: stylesheet, scripts, icon. Each address names the file's content, so that browsers keep
them for good (pages.md, "Files")."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from gateway.query.pages.security import HEADERS
from gateway.rejections import NotFound

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_ICON = "public, max-age=86400"
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    name: str
    body: bytes
    packed: bytes
    """gzip."""
    digest: str

    @property
    def path(self) -> str:
        return f"/static/{self.digest}/{self.name}"


@cache
def assets() -> dict[str, Asset]:
    """By name, read once."""
    found = {}
    for file in (resources.files("gateway.query.pages") / "static").iterdir():
        if file.name.rpartition(".")[2] in _TYPES:
            body = file.read_bytes()
            digest = hashlib.sha256(body).hexdigest()[:16]
            found[file.name] = Asset(file.name, body, gzip.compress(body, 9, mtime=0), digest)
    return found


def asset_path(name: str) -> str:
    """Where a page finds a file."""
    return assets()[name].path


async def answer_icon(request: Request) -> Response:
    """`/favicon.ico`, which browsers ask for where no page names an icon: texts for agents, files, the API."""
    return Response(assets()["icon.svg"].body, headers={**HEADERS, "Cache-Control": _ICON}, media_type=_TYPES["svg"])


async def answer_asset(request: Request) -> Response:
    """The file that `/static/{digest}/{name}` names. Raises `NotFound`."""
    asset = assets().get(request.path_params["name"])
    if asset is None:
        raise NotFound
    # A page that was opened before an update still finds the file, but keeps it no longer.
    fresh = request.path_params["digest"] == asset.digest
    headers = {**HEADERS, "Cache-Control": _FOR_GOOD if fresh else "no-store", "Vary": "Accept-Encoding"}
    packs = "gzip" in request.headers.get("accept-encoding", "")
    if packs:
        headers["Content-Encoding"] = "gzip"
    kind = _TYPES[asset.name.rpartition(".")[2]]
    return Response(asset.packed if packs else asset.body, headers=headers, media_type=kind)
