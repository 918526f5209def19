"""What an export is to hold: its parameters."""

from typing import Literal, get_args

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.logs.columns import COLUMNS, KEYS, REF
from gateway.query.logs.fields import LANGUAGE
from gateway.query.parameters import Parameters
from gateway.query.place import Place, decode_place

Format = Literal["ndjson", "csv"]

EXPORTABLE = (*COLUMNS, REF)

MEANINGS = {
    "format": "A JSON object a line, or CSV with a first line of names.",
    "columns": "What is written of each log, in this order; without it the keys that each log of a list has.",
    "raw": "`1`: cells of CSV as they are, also where a spreadsheet would take one for a formula.",
    "cursor": "Where to go on: `next` of the manifest of the file before.",
}


class ExportQuery(msgspec.Struct, frozen=True):
    """`guarded`: a cell that a spreadsheet would take for a formula is made text. `after`: where the file begins."""

    asked: Asked
    format: Format
    columns: tuple[str, ...]
    guarded: bool
    after: Place | None


def parse_export(given: Parameters) -> ExportQuery:
    """Raises `BadQuery`."""
    query = ExportQuery(
        asked=parse_asked(given, LANGUAGE),
        format=given.choice("format", get_args(Format), "ndjson"),
        columns=tuple(given.words("columns", EXPORTABLE)) or KEYS,
        guarded=given.choice("raw", ("0", "1"), "0") == "0",
        after=given.parsed("cursor", decode_place, "value_error", "a valid cursor"),
    )
    given.finish()
    return query
