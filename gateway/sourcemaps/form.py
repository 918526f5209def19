"""The form of an upload: the field `release` and the parts `files`."""

from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.sourcemaps.names import has_controls, path_of
from gateway.sourcemaps.refusals import BadUpload

MAX_PARTS = 200
MAX_HEADERS = 8
"""Of one part."""
MAX_HEADER_BYTES = 4096
"""Of one header of a part; the name of a file is in one."""

MAX_RELEASE = 128
"""Longest release, in UTF-16 units, as for errors (contracts.md, "DeepTracer API")."""


class Part(NamedTuple):
    """A part's name, its file's name if it is one, and where in the body its content is."""

    name: bytes
    filename: bytes | None
    start: int
    end: int


class Form(NamedTuple):
    """A release, and path -> where in the body the file's content is."""

    release: str
    files: dict[str, tuple[int, int]]


def read_form(body: bytes, boundary: bytes) -> Form:
    """The form. Parts with other names are left alone. Raises `BadUpload`."""
    releases: set[bytes] = set()
    files: dict[str, tuple[int, int]] = {}
    for part in _Parts(body, boundary).all:
        if part.name == b"release" and part.filename is None:
            releases.add(body[part.start : part.end])
        elif part.name == b"files":
            path = path_of(part.filename or b"")
            if path in files:
                raise BadUpload(f"The file {path!r} is there twice")
            files[path] = part.start, part.end
    if len(releases) != 1:
        raise BadUpload("The field release is there several times" if releases else "The field release is missing")
    if not files:
        raise BadUpload("There is no file: send each source map as a part named files, its path as the filename")
    return Form(_release(releases.pop()), files)


def _release(value: bytes) -> str:
    try:
        release = value.decode()
    except UnicodeDecodeError:
        raise BadUpload("The release is not UTF-8") from None
    if not release or len(release.encode("utf-16-le")) > 2 * MAX_RELEASE:
        raise BadUpload(f"The release must have 1 to {MAX_RELEASE} characters")
    if has_controls(release):
        raise BadUpload("The release has control characters")
    return release


class _Parts:
    """All parts of a body. The parser gets the body as one piece, so its offsets are the body's."""

    def __init__(self, body: bytes, boundary: bytes) -> None:
        self.all: list[Part] = []
        self._field = self._value = b""
        self._disposition = b""
        self._start = self._end = 0
        self._is_whole = False
        try:
            parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_part_data": self._data,
                    "on_part_end": self._part,
                    "on_end": self._ended,
                },
                max_header_count=MAX_HEADERS,
                max_header_size=MAX_HEADER_BYTES,
            )
            parser.write(body)
        except FormParserError as error:
            raise BadUpload(f"The body is no multipart/form-data: {error}") from error
        if not self._is_whole:
            raise BadUpload("The body is no whole multipart/form-data: its last boundary is missing")

    def _begin(self) -> None:
        if len(self.all) == MAX_PARTS:
            raise BadUpload(f"The form has more than {MAX_PARTS} parts: send the files in several uploads")
        self._disposition = b""
        self._start = self._end = 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field = data[start:end].lower()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._field == b"content-disposition":
            self._disposition = data[start:end]
        elif self._field == b"content-transfer-encoding" and data[start:end].strip().lower() in (
            b"base64",
            b"quoted-printable",
        ):
            raise BadUpload("Send the files as they are, without Content-Transfer-Encoding")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._end:
            self._start = start
        self._end = end

    def _part(self) -> None:
        _, options = parse_options_header(self._disposition)
        self.all.append(Part(options.get(b"name", b""), options.get(b"filename"), self._start, self._end))

    def _ended(self) -> None:
        self._is_whole = True
