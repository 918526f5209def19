"""Bundles that real build tools made, with the stacks that browsers printed, and stores in memory to upload them to."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from shared.clients.postgres import PostgresUnavailable
from shared.sourcemaps.blobs import BlobsUnavailable
from shared.sourcemaps.index import StoredFile

FOLDER = Path(__file__).parent / "fixtures" / "bundles"
NAMES = ("esbuild", "webpack", "vite")


def built(name: str) -> dict[str, bytes]:
    """Path below the build folder -> content, of a bundle's code and map."""
    folder = FOLDER / "built" / name
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def maps_of(name: str) -> dict[str, bytes]:
    """The maps alone, as most upload them."""
    return {path: content for path, content in built(name).items() if path.endswith(".map")}


def stack(name: str) -> str:
    return (FOLDER / "stacks" / f"{name}.txt").read_text()


class MemoryBlobs:
    """`Blobs` in a dict."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.is_away = False
        self.n_got = 0

    async def put(self, digest: str, data: bytes) -> None:
        self.held[digest] = data

    async def get(self, digest: str) -> bytes | None:
        if self.is_away:
            raise BlobsUnavailable("away, for a test")
        self.n_got += 1
        return self.held.get(digest)

    async def delete(self, digest: str) -> None:
        self.held.pop(digest, None)


class MemoryIndex:
    """What `Index` finds, in a dict."""

    def __init__(self, blobs: MemoryBlobs) -> None:
        self._blobs = blobs
        self._files: dict[tuple[str, str], dict[str, StoredFile]] = {}
        self.is_away = False

    def upload(
        self, project_id: str, release: str, files: dict[str, bytes], debug_ids: dict[str, str] | None = None
    ) -> None:
        """Store the files of a release. `debug_ids`: path -> debug id."""
        for path, content in files.items():
            digest = hashlib.sha256(content).hexdigest()
            self._blobs.held[digest] = content
            stored = StoredFile(path, digest, len(content), (debug_ids or {}).get(path, ""))
            self._files.setdefault((project_id, release), {})[path] = stored

    async def find(self, project_id: str, release: str, paths: Sequence[str]) -> dict[str, StoredFile]:
        return {path: file for path, file in self._of(project_id, release).items() if path in paths}

    async def find_named(self, project_id: str, release: str, names: Sequence[str]) -> list[StoredFile]:
        files = self._of(project_id, release)
        return [files[path] for path in sorted(files) if path.rpartition("/")[2] in names]

    async def find_debug_ids(self, project_id: str, ids: Sequence[str]) -> dict[str, StoredFile]:
        every = [file for (owner, _), files in self._files.items() if owner == project_id for file in files.values()]
        every.sort(key=lambda file: file.path.endswith(".map"))
        return {file.debug_id: file for file in every if file.debug_id in ids}

    async def has_release(self, project_id: str, release: str) -> bool:
        return bool(self._of(project_id, release))

    def _of(self, project_id: str, release: str) -> dict[str, StoredFile]:
        if self.is_away:
            raise PostgresUnavailable("away, for a test")
        return self._files.get((project_id, release), {})
