"""Spans of calls to models, which become calls of the signal llm too (contracts.md, "Calls to models")."""

from functools import partial
from math import inf

from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import Payload
from shared.formats.intake import Derivation, Derived
from shared.formats.model_calls import call_columns, is_call
from shared.formats.otlp.codec import OtlpCodec
from shared.formats.otlp.columns import moments, source_columns
from shared.formats.otlp.json_text import OtlpJson
from shared.formats.otlp.protobuf import Protobuf
from shared.formats.otlp.records import Span, status_named

_MARKS = (b"gen_ai.", b"openinference.")


def derive(codec: OtlpCodec, payload: Payload, most_pieces: float = inf) -> Derived:
    """The spans that are calls, whole. Raises `Laborious`."""
    kept = []
    for group in codec.marked(payload, _MARKS, most_pieces):
        calls = [sent for sent in group.records if is_call(codec.record(sent).attributes.values)]
        if calls:
            kept.append(group._replace(records=calls))
    return Derived(codec.joined(kept), sum(len(group.records) for group in kept))


def columns(rows: Rows) -> Columns:
    spans: list[Span] = rows.records
    attributes = [span.attributes.values for span in spans]
    return {
        **source_columns(rows),
        "timestamp": moments(rows, [span.start_ns for span in spans]),
        **call_columns(rows, attributes),
        "latency_ms": [max(0, span.end_ns - span.start_ns + 500_000) // 1_000_000 for span in spans],
        "trace_id": [span.trace_id for span in spans],
        "span_id": [span.span_id for span in spans],
        "status": [status_named(span.status) for span in spans],
    }


PROTOBUF = Format("otlp.traces.llm", signal="llm", columns=columns, codec=Protobuf("Traces"))
JSON = Format("otlp.traces.llm.json", signal="llm", columns=columns, codec=OtlpJson("Traces"))


def in_spans(fmt: Format) -> Derivation:
    """The calls, in one of these formats, in spans of the same encoding."""
    codec = fmt.codec
    assert isinstance(codec, OtlpCodec)
    return Derivation(fmt.name, _MARKS, partial(derive, codec))
