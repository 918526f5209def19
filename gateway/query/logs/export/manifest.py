"""The last line of an export: what the file holds, and how to tell that it is whole."""

from gateway.query.question import Told


class Manifest(Told, frozen=True, kw_only=True):
    """`rows` logs stand in the file. `sha256`: of all bytes before this line, hexadecimal. `next`: the `cursor` of the
    file that goes on from this one; null where this one has all."""

    rows: int
    sha256: str
    next: str | None
