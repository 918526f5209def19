"""What is in a file: whether it is a source map (ECMA-426), within bounds, and its debug id.

A map is read with `symbolic` when an error is looked at, so what would take that too much memory is refused here.
"""

import codecs
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gateway.sourcemaps.refusals import BadUpload

MAX_MAPPINGS = 5_000_000
"""Segments and lines of the mappings of a file, all sections together."""
MAX_SOURCES = 100_000
MAX_NAMES = 1_000_000
MAX_SECTIONS = 50_000

_PIECE = 1_000_000
_BOM = b"\xef\xbb\xbf"
_GUARD = b")]}'"
"""The first line of a map may begin so, which keeps a page from running it as a script."""

_MAPPINGS = re.compile(r"[A-Za-z0-9+/,;]*")
_DEBUG_ID = re.compile(rb"//[#@] debugId=([0-9A-Fa-f-]{32,36})\s*$", re.MULTILINE)
_TAIL = 4096
"""A script's debug id is in its last lines."""

_Place = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class _Map(msgspec.Struct):
    version: Literal[3]
    mappings: str
    sources: list[str | None]
    names: list[str] = []
    sourcesContent: list[str | None] | None = None


class _Offset(msgspec.Struct):
    line: _Place
    column: _Place


class _Section(msgspec.Struct):
    offset: _Offset
    map: _Map


class _Sections(msgspec.Struct):
    version: Literal[3]
    sections: list[_Section]


class _Head(msgspec.Struct):
    """Of either kind; types are looked at later."""

    sections: msgspec.Raw = msgspec.Raw()
    debugId: Any = None
    debug_id: Any = None


def debug_id_of(path: str, data: bytes | memoryview) -> str:
    """A file's debug id, a lower-case UUID, or ''. Raises `BadUpload` if it is not what its name says."""
    _check_text(path, data)
    if path.endswith(".map"):
        return _debug_id_of_map(path, _unguarded(bytes(data[:_PIECE]), data))
    found = _DEBUG_ID.findall(bytes(data[-_TAIL:]))
    return _uuid(found[-1].decode()) if found else ""


def _debug_id_of_map(path: str, data: bytes | memoryview) -> str:
    try:
        head = msgspec.json.decode(data, type=_Head)
        maps = _maps_in(data, is_flat=bytes(memoryview(head.sections)[:5]) in (b"", b"null"))
    except msgspec.MsgspecError as error:
        raise BadUpload(f"The file {path!r} is no source map: {error}") from None
    except RecursionError:
        raise BadUpload(f"The file {path!r} is no source map: its JSON is nested too deeply") from None
    _check_sizes(path, maps)
    return _uuid(head.debugId) or _uuid(head.debug_id)


def _maps_in(data: bytes | memoryview, *, is_flat: bool) -> list[_Map]:
    if is_flat:
        return [msgspec.json.decode(data, type=_Map)]
    return [section.map for section in msgspec.json.decode(data, type=_Sections).sections]


def _check_sizes(path: str, maps: list[_Map]) -> None:
    counts = {
        "sections": (len(maps), MAX_SECTIONS),
        "sources": (sum(len(each.sources) for each in maps), MAX_SOURCES),
        "names": (sum(len(each.names) for each in maps), MAX_NAMES),
        "mappings": (_segments(each.mappings for each in maps), MAX_MAPPINGS),
    }
    for what, (n, most) in counts.items():
        if n > most:
            raise BadUpload(f"The source map {path!r} has {n:,} {what}, more than {most:,}: split the bundle")
    if not all(_MAPPINGS.fullmatch(each.mappings) for each in maps):
        raise BadUpload(f"The file {path!r} is no source map: its mappings are not Base64 VLQ")


def _segments(mappings: Iterable[str]) -> int:
    return sum(text.count(",") + text.count(";") + 1 for text in mappings if text)


def _check_text(path: str, data: bytes | memoryview) -> None:
    """Also in what no decoder looks at. In pieces: as one text it may take four times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PIECE):
            decoder.decode(bytes(data[start : start + _PIECE]))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise BadUpload(f"The file {path!r} is not UTF-8") from None


def _unguarded(beginning: bytes, data: bytes | memoryview) -> bytes | memoryview:
    start = len(_BOM) if beginning.startswith(_BOM) else 0
    if beginning.startswith(_GUARD, start):
        start = beginning.find(b"\n", start) + 1
    return data[start:]


def _uuid(value: object) -> str:
    try:
        return str(UUID(value)) if isinstance(value, str) and len(value) <= 36 else ""
    except ValueError:
        return ""
