"""An export: its pages, and the manifest that tells that they are all there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import sha256

import msgspec

from gateway.query.logs.export.files import File
from gateway.query.logs.export.manifest import Manifest
from gateway.query.logs.page import Page
from gateway.query.place import encode_place
from gateway.query.question import Told


async def begun(pages: AsyncIterator[Page]) -> AsyncIterator[Page]:
    """The same pages, of which there is at least one. The first one is made at once: what is wrong is still refused
    with a status then."""
    first = await anext(pages)

    async def all_of_them() -> AsyncIterator[Page]:
        yield first
        async for page in pages:
            yield page

    return all_of_them()


async def parts(file: File, pages: AsyncIterator[Page], told: Told) -> AsyncIterator[Sequence[bytes]]:
    """The file, part by part, each in pieces. The last part is the manifest. Raises `TooBig`, `Unavailable`."""
    digest, rows, last = sha256(file.head), 0, None
    yield [file.head]
    async for page in pages:
        await asyncio.to_thread(_each, digest.update, page.pieces)
        rows, last = rows + page.n, page.last
        yield page.pieces
    known = msgspec.structs.asdict(told)
    following = None if last is None else encode_place(last)
    yield [file.manifest(Manifest(**known, rows=rows, sha256=digest.hexdigest(), next=following))]


def _each(update: Callable[[bytes], object], pieces: Sequence[bytes]) -> None:
    for piece in pieces:
        update(piece)
