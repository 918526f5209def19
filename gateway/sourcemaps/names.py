"""A file's path below the build folder, out of the name that a client gave it."""

import unicodedata
from pathlib import PurePosixPath

from gateway.sourcemaps.refusals import BadUpload

MAX_PATH_BYTES = 1024
"""Longest path, in UTF-8."""

MINIFIED = (".js", ".mjs", ".cjs")
KINDS = (".map", *MINIFIED)


def path_of(name: bytes) -> str:
    """The path, `/`-separated. Windows writes it with backslashes. Raises `BadUpload` for one that leads elsewhere."""
    shown = repr(name[:200].decode(errors="replace"))
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise BadUpload(f"The file name {shown} is not UTF-8") from None
    if len(name) > MAX_PATH_BYTES:
        raise BadUpload(f"The file name {shown}... is longer than {MAX_PATH_BYTES} bytes")
    if has_controls(text):
        raise BadUpload(f"The file name {shown} has control characters")
    path = text.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or path[1:2] == ":":
        raise BadUpload(f"The file name {shown} leads out of the build folder: send the path below it")
    if not parts or PurePosixPath(parts[-1]).suffix not in KINDS:
        raise BadUpload(
            f"The file name {shown} is neither a source map's (.map) nor a script's ({', '.join(MINIFIED)})"
        )
    return "/".join(parts)


def has_controls(text: str) -> bool:
    return any(unicodedata.category(char) == "Cc" for char in text)
