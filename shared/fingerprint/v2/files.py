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

CHUNK: Final = "<chunk>"
"""A file that is named by its hash alone, or by a number."""

ENTRIES: Final = frozenset({CHUNK, "main", "index", "app", "_app", "bundle", "vendor", "vendors", "common"})
"""What bundlers call files that hold everything: a function may be in another one after the next build."""

_SCRIPT = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|bundle|map|hbc)$")
_QUERY = re.compile(r"(?:[?#]|//&).*", re.DOTALL)
_HASH = re.compile(r"[-._~](?:[0-9a-f]{6,64}|(?=[\w-]{0,7}(?:\d|[A-Z][\w-]{0,6}[A-Z]))[\w-]{8})$")
_LETTERS = re.compile(r"[-._~][a-f]{6,64}$")
_TURBOPACK = re.compile(r"__?(?:[0-9a-z_-]{13}|[0-9a-z]{6,32})\._$|_[0-9a-f]{6,32}$")
_TURBOPACK_CHUNK = re.compile(r"/chunks/(?:ssr/)?(?=[a-z_-]{0,12}\d)[0-9a-z_-]{13}\.js$")
"""Since Next 16 a hash has thirteen characters, and may be all that the name is."""
_VERSION = re.compile(r"[-@]v?\d{1,9}(?:\.\d{1,9}){1,3}(?:[-+][\w.]{1,20})?$")
_CHUNK = re.compile(r"^(?:\d{1,9}|chunk|[0-9a-f]{8,64})$")
_RELEASE = re.compile(r"^[\w.-]{0,64}\d[\w.-]{0,64}$")
_WORDS = (".min", ".chunk", ".bundle", ".prod", ".production", ".esm", ".android", ".ios")


@lru_cache(1024)
def file_name(path: str) -> str:
    """`/srv/r17/src/cart.ts?v=3` -> `cart`, `https://x.example/page-9f8e7d6c.js` -> `page`."""
    folders, _, short = _split(path)
    return _with_folder(folders, short) if short in GENERIC else short


@lru_cache(1024)
def is_hashed(path: str) -> bool:
    """Whether a build for production named it: `page-9f8e7d6c.js`, `page.min.js`."""
    _, base, short = _split(path)
    return short != base


def _split(path: str) -> tuple[list[str], str, str]:
    """(folders, name without suffix, the same without what a bundler added)."""
    path = _QUERY.sub("", path).replace("\\", "/")
    *folders, file = path.split("/")
    base = _SCRIPT.sub("", file)
    if _TURBOPACK_CHUNK.search(path):
        return folders, base, CHUNK
    return folders, base, base if base == file else _without_hash(base)


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
    return CHUNK if not name or _CHUNK.match(name) else name
