"""Maps the frames of an event, or says of each why not."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from itertools import zip_longest
from typing import NamedTuple, Protocol

import structlog

from gateway.mapping.answers import (
    IS_SOURCE,
    NO_POSITION,
    NO_SOURCE,
    NOT_INSTALLED,
    RUNTIME,
    STORE_AWAY,
    TOO_MANY_FRAMES,
    TOO_SLOW,
    Mapped,
    Outcome,
    Unmapped,
    line_beyond,
)
from gateway.mapping.files import Files, Found
from gateway.mapping.paths import is_foreign, is_source
from gateway.mapping.process import MapProcess
from gateway.mapping.questions import Reply, Token
from shared.clients.postgres import PostgresUnavailable
from shared.fingerprint.v2.languages.javascript import script_frame
from shared.fingerprint.v2.model import Place
from shared.sourcemaps.blobs import Blobs, BlobsUnavailable
from shared.sourcemaps.index import Index

WITHIN_S = 10.0
"""For all maps of an event; what isn't read by then is read faster the next time."""

MOST_FRAMES = 100
MOST_FILES = 20

_log = structlog.get_logger(__name__)


class Wanted(NamedTuple):
    """The event whose frames are to be mapped. `debug_ids`: file as printed -> the debug id that the event gives."""

    project_id: str
    release: str
    debug_ids: Mapping[str, str]


class Mapper(Protocol):
    """Maps frames."""

    async def map(self, event: Wanted, stacks: Sequence[Sequence[Place]]) -> list[list[Outcome]]:
        """What becomes of each frame of each error, the innermost first. It never fails: an event is answered even
        where nothing that mapping needs is there."""


Read = tuple[Token, str]
"""What a map says of a frame, and the map's path."""


class StoredMapper:
    """A `Mapper` by the maps that were uploaded."""

    def __init__(self, index: Index, blobs: Blobs) -> None:
        self._files = Files(index, blobs)
        self._process = MapProcess(blobs)
        self._is_installed = find_spec("symbolic") is not None

    async def map(self, event: Wanted, stacks: Sequence[Sequence[Place]]) -> list[list[Outcome]]:
        results, by_file = _sorted(stacks)
        if by_file:
            missing = await self._look_up(event, by_file, results)
            for place in (place for places in by_file.values() for place in places):
                results.setdefault(place, missing)
        return [
            [_outcome(place, caller, results) for place, caller in zip_longest(stack, stack[1:])] for stack in stacks
        ]

    async def close(self) -> None:
        await self._process.close()

    async def _look_up(
        self, event: Wanted, by_file: Mapping[str, Sequence[Place]], results: dict[Place, Unmapped | Read]
    ) -> Unmapped:
        """Fill in the results; returns why those that are missing then are."""
        if not self._is_installed:
            return NOT_INSTALLED
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._read(event, by_file, results)
        except (PostgresUnavailable, BlobsUnavailable) as error:
            _log.warning("frames are not mapped: the store of source maps is away", error=str(error))
            return STORE_AWAY
        except TimeoutError:
            pass
        return TOO_SLOW

    async def _read(
        self, event: Wanted, by_file: Mapping[str, Sequence[Place]], results: dict[Place, Unmapped | Read]
    ) -> None:
        ids = {file: event.debug_ids.get(file, "") for file in by_file}
        for file, found in (await self._files.find(event.project_id, event.release, ids)).items():
            places = by_file[file]
            if isinstance(found, Unmapped):
                results |= dict.fromkeys(places, found)
                continue
            positions = [(place.line, place.column) for place in places]
            results |= _results(found, places, await self._process.ask(event.project_id, found, positions))


def _sorted(stacks: Sequence[Sequence[Place]]) -> tuple[dict[Place, Unmapped | Read], dict[str, list[Place]]]:
    """(why not, of the frames that no map is looked for; the others by file)."""
    why_not: dict[Place, Unmapped | Read] = {}
    by_file: dict[str, list[Place]] = {}
    for n, place in enumerate(dict.fromkeys(place for stack in stacks for place in stack)):
        if never := _unmappable(place):
            why_not[place] = never
        elif n >= MOST_FRAMES or (place.file not in by_file and len(by_file) >= MOST_FILES):
            why_not[place] = TOO_MANY_FRAMES
        else:
            by_file.setdefault(place.file, []).append(place)
    return why_not, by_file


def _unmappable(place: Place) -> Unmapped | None:
    """Why no map can have a place, whatever is uploaded."""
    if place.file and is_foreign(place.file):
        return RUNTIME
    if not (place.file and place.line and place.column):
        return NO_POSITION
    return IS_SOURCE if is_source(place.file) else None


def _results(found: Found, places: Sequence[Place], reply: Reply | Unmapped) -> Mapping[Place, Unmapped | Read]:
    if isinstance(reply, Unmapped):
        return dict.fromkeys(places, reply)
    path = found.map.path
    results: dict[Place, Unmapped | Read] = {}
    for place, token in zip(places, reply.tokens, strict=True):
        if token is not None:
            results[place] = token, path
        else:
            results[place] = line_beyond(path, place.line, reply.lines) if place.line > reply.lines else NO_SOURCE
    return results


def _outcome(place: Place, caller: Place | None, results: Mapping[Place, Unmapped | Read]) -> Outcome:
    result = results[place]
    if isinstance(result, Unmapped):
        return result
    token, path = result
    # Firefox prints `total/<` for a function without a name in `total`, and no frame for what it is passed to.
    function = token.function or ("" if place.function.endswith("/<") else _called(caller, results))
    frame = script_frame(function, token.source)
    return Mapped(
        function=function,
        source=token.source,
        line=token.line,
        column=token.column,
        in_app=frame is not None and frame.own,
        context_line=token.context_line,
        before=token.before,
        after=token.after,
        map=path,
    )


def _called(caller: Place | None, results: Mapping[Place, Unmapped | Read]) -> str:
    """The name by which a function's caller, the next frame, calls it. A library gives what it calls a name of its own:
    React renders each component as `Component`."""
    result = results.get(caller) if caller is not None else None
    if not isinstance(result, tuple):
        return ""
    frame = script_frame("", result[0].source)
    return result[0].name if frame is not None and frame.own else ""
