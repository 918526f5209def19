"""Source maps in memory: read by `symbolic`, looked up by line and column."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from symbolic.exceptions import SymbolicError
from symbolic.sourcemapcache import SourceMapCache, SourceMapCacheToken

from gateway.mapping.questions import Token
from shared.memory import give_back, mapped_bytes

CONTEXT_LINES = 5
LONGEST_LINE = 300
"""Characters of a source's line that are shown: around the column, of a longer one."""

LONGEST_NAME = 1024

_NAMELESS = frozenset({"<unknown>", "<anonymous>"})
_LARGEST = 2**32 - 1


class Unreadable(Exception):
    """It is no source map. The text says what is wrong with it."""


class _Offset(msgspec.Struct):
    line: int = 0


class _Section(msgspec.Struct):
    offset: _Offset
    map: "_Mappings"


class _Mappings(msgspec.Struct):
    """What of a map tells how many lines it knows."""

    mappings: str = ""
    sections: list[_Section] = []


_decode = msgspec.json.Decoder(_Mappings).decode


class SourceMap:
    """One map, read. Raises `Unreadable`."""

    def __init__(self, content: bytes, built: bytes) -> None:
        before = mapped_bytes()
        try:
            self.lines = _lines(_decode(_without_guard(content)))
            self._cache = SourceMapCache.from_bytes(built, content)
        except (SymbolicError, msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise Unreadable(_told(str(error)[:200])) from error
        give_back()
        self.size = max(mapped_bytes() - before, len(content))
        """Bytes: what it takes is the library's own, and can only be seen from outside."""

    def token(self, line: int, column: int) -> Token | None:
        """What the map says of a position, both from 1; None where it says nothing."""
        if not (0 < line <= _LARGEST and 0 < column <= _LARGEST):
            return None
        found = self._cache.lookup(line, column, CONTEXT_LINES)
        return _token(found) if found is not None and found.src else None


def _told(error: str) -> str:
    """What is wrong. The library keeps what it has read in a temporary file, which may be what failed."""
    return f"a temporary file in TMPDIR failed: {error}" if "(os error" in error else error


def _token(found: SourceMapCacheToken) -> Token:
    around = found.col - 1
    return Token(
        source=(found.src or "")[:LONGEST_NAME],
        line=found.line,
        column=found.col,
        function="" if found.function_name in _NAMELESS else (found.function_name or "")[:LONGEST_NAME],
        name=(found.name or "")[:LONGEST_NAME],
        context_line=_cut(found.context_line or "", around),
        before=[_cut(line) for line in found.pre_context],
        after=[_cut(line) for line in found.post_context],
    )


def _cut(line: str, around: int = 0) -> str:
    """At most `LONGEST_LINE` characters, with those around a column."""
    line = line.rstrip("\r\n")
    if len(line) <= LONGEST_LINE:
        return line
    start = max(0, min(around - LONGEST_LINE // 2, len(line) - LONGEST_LINE))
    return line[start : start + LONGEST_LINE]


def _without_guard(content: bytes) -> bytes:
    """Without the first line that some servers put before JSON, so that no page can run it as a script."""
    return content.partition(b"\n")[2] if content.startswith(b")]}") else content


def _lines(content: _Mappings) -> int:
    """The last line of the built file that a map knows."""
    if content.sections:
        return max(each.offset.line + _lines(each.map) for each in content.sections)
    mapped = content.mappings.rstrip(";")
    return mapped.count(";") + 1 if mapped else 0


class Maps:
    """The maps that were asked for last, of at most `most` bytes together. Where room is needed, the project with the
    most of it loses the one that it asked for longest ago."""

    def __init__(self, most: int, read: Callable[[bytes, bytes], SourceMap] = SourceMap) -> None:
        self._most = most
        self._read = read
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._sizes: Counter[str] = Counter()

    def get(self, key: str) -> SourceMap | None:
        held = self._held.get(key)
        if held is None:
            return None
        self._held.move_to_end(key)
        return held.map

    def add(self, key: str, project_id: str, content: bytes, built: bytes) -> SourceMap:
        """Read a map and keep it. Raises `Unreadable`."""
        made = self._read(content, built)
        self._drop(key)
        self._held[key] = _Held(made, project_id)
        self._sizes[project_id] += made.size
        while self._sizes.total() > self._most:
            fullest = max(self._sizes, key=self._sizes.__getitem__)
            self._drop(next(key for key, held in self._held.items() if held.project_id == fullest))
        return made

    def _drop(self, key: str) -> None:
        if held := self._held.pop(key, None):
            self._sizes[held.project_id] -= held.map.size


class _Held(NamedTuple):
    map: SourceMap
    project_id: str
