"""What the process that sorts an upload is told, and what it says."""

from typing import Literal

import msgspec

from shared.sourcemaps.index import StoredFile


class Task(msgspec.Struct, array_like=True):
    """`boundary`: of the form, as Latin-1; `coding`: Content-Encoding, '' for none; `max_bytes`: unpacked."""

    boundary: str
    coding: str
    max_bytes: int


class SortedFile(msgspec.Struct, array_like=True):
    """A good file, and where in the unpacked body its content begins."""

    file: StoredFile
    start: int


class Sorted(msgspec.Struct, array_like=True):
    """The whole outcome: a release and its files, or why the upload is refused."""

    release: str = ""
    files: list[SortedFile] = []
    refused: Literal["", "bad", "too_large", "packing"] = ""
    sentence: str = ""
