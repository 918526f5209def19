"""Which stored paths a frame's file may have. A URL has a host and a mount before the path below the build folder, a
server's file the folder of its deployment (events.md, "Which map belongs to a frame")."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

DEEPEST = 32
"""Parts of a path that are looked at, from its end."""

_FOREIGN = re.compile(
    r"<|\[native|native$|node:|internal/|bun:|deno:|ext:|VM\d|evalmachine|wasm:|data:|blob:|unknown$|unknown location"
    r"|index \d+$|[\w-]{1,32}-extension:",
    re.ASCII,
)
"""Of the runtime or an extension, or made while the program ran."""

_SOURCE = re.compile(
    r"webpack(?:-internal)?:|turbopack:|rsc:|about:|.*\.(?:[cm]?tsx?|jsx|vue|svelte|astro)$", re.DOTALL
)
_QUERY = re.compile(r"[?#].*", re.DOTALL)
_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,32}:(?://[^/]*)?")
_HASH = re.compile(r"[-._~](?=[\w-]*\d)[\w-]{8,64}\.[cm]?js$|^[0-9a-f]{8,64}\.[cm]?js$", re.ASCII)
_LIBRARIES = "node_modules"


def is_foreign(file: str) -> bool:
    """Whether a file is the runtime's, an extension's or made while the program ran."""
    return not file or _FOREIGN.match(file) is not None


def is_source(file: str) -> bool:
    """Whether a file is already the source: the runtime, or a development server, has mapped it."""
    return _SOURCE.match(_QUERY.sub("", file)) is not None


def path_of(file: str) -> str:
    """The path of a file without scheme, host, query, and dots: `https://shop.example/_next/a.js?v=1` -> `_next/a.js`.

    Percent signs stay; `/var/task/.next/server/page.js` -> `var/task/.next/server/page.js`.
    """
    plain = _QUERY.sub("", _HOST.sub("", file, count=1)).replace("\\", "/")
    return "/".join(_parts(plain))


def candidates(path: str) -> list[str]:
    """The paths below a build folder that are surely the file's, the longest first, as it is and with `%5B` as `[`.

    A library's file is not taken for one of the build, nor a file in a folder for one outside, by their name alone;
    that is enough only where it holds a hash of the content.
    """
    found: dict[str, None] = {}
    for spelling in (decoded(path), path):
        parts = spelling.split("/")
        last = len(parts) - 1 - (len(parts) > 1 and not _HASH.search(parts[-1]))
        if _LIBRARIES in parts:
            last = len(parts) - 1 - parts[::-1].index(_LIBRARIES)
        found |= {"/".join(parts[n:]): None for n in range(max(0, len(parts) - DEEPEST), last + 1)}
    return sorted(found, key=lambda each: -each.count("/"))


def fitting(path: str, stored: Sequence[str]) -> list[str]:
    """Where no candidate is stored: which of the stored paths of the same name may be the file's.

    Those below a folder more, as `dist/assets/a.js` for `assets/a.js`; else all if the name holds a hash; else the only
    one, if it is not in a folder.
    """
    ends = tuple(f"/{spelling}" for spelling in (decoded(path), path))
    if below := [each for each in stored if each.endswith(ends)]:
        return below
    name = name_of(path)
    alone = list(stored) == [name] and _LIBRARIES not in path.split("/")
    return list(stored) if alone or _HASH.search(name) else []


def name_of(path: str) -> str:
    return decoded(path).rpartition("/")[2]


def decoded(path: str) -> str:
    """With `%5B` as `[`. No stored text holds NUL."""
    return unquote(path).replace("\0", "\ufffd")


def beside(path: str, relative: str) -> str | None:
    """The path that a file at `path` names by a relative URL; None for one that leads out of the build folder."""
    if _HOST.match(relative):
        return None
    parts = [] if relative.startswith("/") else path.split("/")[:-1]
    for part in decoded(_QUERY.sub("", relative)).split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _parts(path: str) -> Sequence[str]:
    return [part for part in path.split("/") if part not in ("", ".", "..")]
