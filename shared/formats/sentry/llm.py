"""Spans of calls to models, which become calls of the signal llm too (contracts.md, "Calls to models")."""

from math import inf
from typing import Final

import msgspec

from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import JsonArray, Payload
from shared.formats.intake import Derivation, Derived, Laborious
from shared.formats.model_calls import call_columns, is_call
from shared.formats.sentry.reading import moments
from shared.formats.sentry.span import span_of
from shared.formats.sentry.span_rows import duration_us, milliseconds, source_columns

_MARK: Final = b"gen_ai."
_PIECE: Final = b":"
"""Of a field or an attribute. Spaces may stand before it."""


def columns(rows: Rows) -> Columns:
    spans = list(map(span_of, rows.records))
    return {
        **source_columns(rows, spans),
        **call_columns(rows, [span.attributes.plain() for span in spans]),
        "trace_id": [span.ids.trace_id for span in spans],
        "span_id": [span.ids.span_id for span in spans],
        "status": [span.status for span in spans],
        "timestamp": moments(rows, [span.times.start for span in spans]),
        "latency_ms": [milliseconds(max(0, duration_us(span))) for span in spans],
    }


FORMAT = Format("sentry.llm", signal="llm", columns=columns, codec=JsonArray(msgspec.Raw))


def derive(payload: Payload, most_pieces: float = inf) -> Derived:
    """The records that are calls, whole. Raises `Laborious`."""
    sent = FORMAT.codec.read(payload)
    marked = [index for index, each in enumerate(sent) if _MARK in bytes(each)]
    if sum(bytes(sent[index]).count(_PIECE) for index in marked) > most_pieces:
        raise Laborious
    calls = [index for index in marked if is_call(span_of(sent[index]).attributes.plain())]
    return Derived(FORMAT.codec.keep(payload, calls), len(calls))


IN_SPANS: Final = Derivation(FORMAT.name, (_MARK,), derive)
"""The calls in `sentry.transactions` and `sentry.spans`."""
