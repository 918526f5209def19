"""A file as it is compared: its name without folder, host, query, version and the hash of its content."""

import re
from functools import lru_cache
from typing import Final

GENERIC: Final = frozenset(
    {
        "index", "route", "page", "layout", "main", "app", "server", "handler", "handlers", "utils", "util", "helpers",
        "api", "views", "models", "tasks", "routes", "client", "service", "types", "__init__", "__main__", "mod.rs",
        "lib.rs", "main.rs", "main.go", "views.py", "models.py", "utils.py", "tasks.py", "routes.py", "api.py",
        "main.py", "app.py", "__init__.py", "__main__.py", "+page", "+server", "+layout", "[id]", "[slug]",
    }
)  # fmt: skip
"""Names that many folders have: they are compared with their folder."""

_PLACES: Final = frozenset(
    {
        "", ".", "..", "src", "app", "dist", "build", "out", "lib", "bin", "server", "assets", "js", "static", "public",
        "chunks", "_next", ".next", "scripts", "client", "esm", "cjs", "www", "html", "task", "code", "workspace",
    }
)  # fmt: skip
"""Folders that say nothing: where the code was put, not what it is."""

_SCRIPT = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|bundle|map|hbc)$")
_QUERY = re.compile(r"(?:[?#]|//&).*", re.DOTALL)
_HASH = re.compile(r"[-._~](?:[0-9a-f]{6,64}|(?=[\w-]{0,7}(?:\d|[A-Z][\w-]{0,6}[A-Z]))[\w-]{8})$")
_LETTERS = re.compile(r"[-._~][a-f]{6,64}$")
_TURBOPACK = re.compile(r"__?[0-9a-z]{6,32}\._$|_[0-9a-f]{6,32}$")
_VERSION = re.compile(r"[-@]v?\d{1,9}(?:\.\d{1,9}){1,3}(?:[-+][\w.]{1,20})?$")
_CHUNK = re.compile(r"^(?:\d{1,9}|chunk|[0-9a-f]{8,64})$")
_RELEASE = re.compile(r"^[\w.-]{0,64}\d[\w.-]{0,64}$")
_WORDS = (".min", ".chunk", ".bundle", ".prod", ".production", ".esm", ".android", ".ios")


@lru_cache(1024)
def file_name(path: str) -> str:
    """`/srv/r17/src/cart.ts?v=3` -> `cart`, `https://x.example/page-9f8e7d6c.js` -> `page`."""
    parts = _QUERY.sub("", path).replace("\\", "/").split("/")
    base = _SCRIPT.sub("", parts[-1])
    if base != parts[-1]:
        base = _without_hash(base)
    if base in GENERIC:
        return _with_folder(parts[:-1], base)
    return base


def _with_folder(folders: list[str], base: str) -> str:
    """With the folder that names what it is; `[id]` and `(group)` of a router need the one above as well."""
    while folders:
        folder = folders.pop()
        if folder in _PLACES or ":" in folder or _RELEASE.match(folder):
            break
        base = f"{folder}/{base}"
        if folder[0] not in "[(":
            break
    return base


def _without_hash(name: str) -> str:
    for _ in range(3):
        for word in _WORDS:
            name = name.removesuffix(word)
        short = _TURBOPACK.sub("", name)
        if short == name and not _LETTERS.search(name):
            short = _HASH.sub("", name)
        short = _VERSION.sub("", short)
        if short == name:
            break
        name = short
    return "<chunk>" if not name or _CHUNK.match(name) else name
