"""Forms as clients write them, and what they may put into them."""

import json
from collections.abc import Sequence
from typing import Any

BOUNDARY = b"----formdata-undici-012345678901"
CONTENT_TYPE = b"multipart/form-data; boundary=" + BOUNDARY
DEBUG_ID = "85314830-023f-4cf1-a267-535f4e37bb17"


def source_map(**more: Any) -> bytes:
    """A small source map; `more` are further fields, or other values."""
    return json.dumps({"version": 3, "sources": ["src/a.ts"], "names": [], "mappings": "AAAA", **more}).encode()


def field(name: str, value: bytes) -> bytes:
    return part(f'form-data; name="{name}"'.encode(), value)


def file(filename: str | bytes, content: bytes, name: str = "files") -> bytes:
    quoted = filename if isinstance(filename, bytes) else filename.encode()
    disposition = f'form-data; name="{name}"; filename="'.encode() + quoted + b'"'
    return part(disposition, content, b"Content-Type: application/json\r\n")


def part(disposition: bytes, content: bytes, more: bytes = b"") -> bytes:
    head = b"--" + BOUNDARY + b"\r\nContent-Disposition: " + disposition + b"\r\n" + more
    return head + b"\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def upload(release: str = "1.0", files: Sequence[tuple[str, bytes]] = (("static/a.js.map", source_map()),)) -> bytes:
    return form(field("release", release.encode()), *(file(name, content) for name, content in files))
