"""The formats of an export: how rows, what stands before them and the manifest are written."""

import csv
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from gateway.query.logs.columns import render
from gateway.query.logs.export.cells import cell_of
from gateway.query.logs.export.manifest import Manifest
from gateway.query.logs.export.query import ExportQuery
from gateway.query.reader import Rows

_encode = msgspec.json.Encoder().encode


class File(Protocol):
    """How a file is written."""

    media_type: str
    name: str

    @property
    def head(self) -> bytes:
        """What stands before the rows."""

    def lines(self, rows: Rows) -> Iterator[bytes]:
        """Of each row, made when it is asked for; values beyond the columns are left out."""

    def manifest(self, manifest: Manifest) -> bytes:
        """The last line."""


class Ndjson:
    """A JSON object a line; the last one has the manifest as `manifest`, which is the name of no column."""

    media_type = "application/x-ndjson"
    name = "logs.ndjson"
    head = b""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns

    def lines(self, rows: Rows) -> Iterator[bytes]:
        for log in render(self._columns, rows):
            yield log + b"\n"

    def manifest(self, manifest: Manifest) -> bytes:
        return _encode({"manifest": manifest}) + b"\n"


class Csv:
    """RFC 4180. All records have the same number of cells; the last one has the manifest in its first, behind
    `#manifest `, and nothing in the others."""

    media_type = "text/csv; charset=utf-8; header=present"
    name = "logs.csv"

    def __init__(self, columns: Sequence[str], *, guarded: bool) -> None:
        self._columns = columns
        self._cells = [cell_of(name, guarded=guarded) for name in columns]
        self._line = csv.writer(_Line()).writerow

    @property
    def head(self) -> bytes:
        return self._record(self._columns)

    def lines(self, rows: Rows) -> Iterator[bytes]:
        for row in rows:
            yield self._record([cell(value) for cell, value in zip(self._cells, row, strict=False)])

    def manifest(self, manifest: Manifest) -> bytes:
        return self._record([f"#manifest {_encode(manifest).decode()}", *[""] * (len(self._columns) - 1)])

    def _record(self, cells: Sequence[Any]) -> bytes:
        line: str = self._line(cells)
        return line.encode()


class _Line:
    """A file of the csv module whose writer returns what it writes."""

    def write(self, text: str) -> str:
        return text


def file_of(query: ExportQuery) -> File:
    return Ndjson(query.columns) if query.format == "ndjson" else Csv(query.columns, guarded=query.guarded)
