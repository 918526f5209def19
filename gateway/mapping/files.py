"""Which stored source map belongs to the file of a frame (events.md, "Which map belongs to a frame")."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.mapping.answers import NO_RELEASE, Unmapped, ambiguous, no_map_for_release, no_such_file
from gateway.mapping.paths import beside, candidates, fitting, name_of, path_of
from shared.sourcemaps.blobs import Blobs
from shared.sourcemaps.index import Index, StoredFile

MAX_BUILT_BYTES = 8_000_000
"""A larger built file is not read: it only adds names of functions."""

_TAIL_BYTES = 4096
_NAMED_MAP = re.compile(rb"^//[#@] ?sourceMappingURL=(\S{1,1000})[ \t]*$", re.MULTILINE)
_NEAR = 3
"""Similar paths that an answer names."""


class Found(NamedTuple):
    """A map, and the built file that it is of where that is stored too."""

    map: StoredFile
    built: StoredFile | None = None


class Files:
    """Finds the maps of a project's release. What is not found is asked for again each time: a map may be uploaded
    after the error. Every call may raise `PostgresUnavailable` and `BlobsUnavailable`."""

    def __init__(self, index: Index, blobs: Blobs) -> None:
        self._index = index
        self._blobs = blobs

    async def find(self, project_id: str, release: str, debug_ids: Mapping[str, str]) -> dict[str, Found | Unmapped]:
        """What each file has. `debug_ids`: file as printed -> its debug id, '' where the event doesn't say."""
        found: dict[str, Found | Unmapped] = dict(await self._by_debug_id(project_id, debug_ids))
        others = {file: path_of(file) for file in debug_ids if file not in found}
        if not release:
            return found | dict.fromkeys(others, NO_RELEASE)
        found |= await self._by_path(project_id, release, others)
        others = {file: path for file, path in others.items() if file not in found}
        return found | await self._by_name(project_id, release, others)

    async def _by_debug_id(self, project_id: str, debug_ids: Mapping[str, str]) -> dict[str, Found]:
        ids = sorted({debug_id for debug_id in debug_ids.values() if debug_id})
        stored = await self._index.find_debug_ids(project_id, ids) if ids else {}
        return {
            file: Found(stored[debug_id])
            for file, debug_id in debug_ids.items()
            if debug_id in stored and _is_map(stored[debug_id].path)
        }

    async def _by_path(self, project_id: str, release: str, paths: Mapping[str, str]) -> dict[str, Found]:
        """Those whose path, or the end of it, is stored: the longest end counts."""
        ends = {file: candidates(path) for file, path in paths.items()}
        stored = await self._stored(project_id, release, (end for each in ends.values() for end in each))
        found = {}
        for file, each in ends.items():
            end = next((end for end in each if end in stored or f"{end}.map" in stored), None)
            if end is not None and (pair := await self._pair(project_id, release, end, stored)):
                found[file] = pair
        return found

    async def _by_name(self, project_id: str, release: str, paths: Mapping[str, str]) -> dict[str, Found | Unmapped]:
        """Those with only their name in common with what is stored, or why that is not enough."""
        if not paths:
            return {}
        names = {name_of(path) for path in paths.values()}
        stored = {
            each.path: each
            for each in await self._index.find_named(project_id, release, [f"{name}.map" for name in sorted(names)])
        }
        if not stored and not await self._index.has_release(project_id, release):
            return dict.fromkeys(paths, no_map_for_release(release))
        return {file: _only(release, path, stored) for file, path in paths.items()}

    async def _stored(self, project_id: str, release: str, paths: Iterable[str]) -> dict[str, StoredFile]:
        """Of built files of these paths, and of their maps, those that are stored."""
        asked = [each for path in dict.fromkeys(paths) for each in (path, f"{path}.map")]
        return await self._index.find(project_id, release, asked) if asked else {}

    async def _pair(self, project_id: str, release: str, path: str, stored: Mapping[str, StoredFile]) -> Found | None:
        """The map of a built file: beside it, or the one that it names, by its debug id or in its last lines."""
        built, usual = stored.get(path), stored.get(f"{path}.map")
        if usual is not None or built is None:
            return Found(usual, built) if usual else None
        if built.debug_id:
            same = (await self._index.find_debug_ids(project_id, [built.debug_id])).get(built.debug_id)
            if same is not None and _is_map(same.path):
                return Found(same, built)
        named = await self._named_in(built)
        there = await self._index.find(project_id, release, [named]) if named else {}
        return Found(there[named], built) if named in there else None

    async def _named_in(self, built: StoredFile) -> str | None:
        """The path of the map that a built file names."""
        content = await self._blobs.get(built.digest) if built.size <= MAX_BUILT_BYTES else None
        names = _NAMED_MAP.findall((content or b"")[-_TAIL_BYTES:])
        return beside(built.path, names[-1].decode(errors="replace")) if names else None


def _is_map(path: str) -> bool:
    return path.endswith(".map")


def _only(release: str, path: str, stored: Mapping[str, StoredFile]) -> Found | Unmapped:
    """The map of a file, if exactly one of those stored can be it."""
    same = [each.removesuffix(".map") for each in stored if name_of(each) == f"{name_of(path)}.map"]
    fits = [stored[f"{each}.map"] for each in fitting(path, same)]
    if len({file.digest for file in fits}) == 1:
        return Found(fits[0])
    if fits:
        return ambiguous([file.path for file in fits[:_NEAR]])
    return no_such_file(release, path, [f"{each}.map" for each in same[:_NEAR]])
