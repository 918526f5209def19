"""The fields of calls to models in a query."""

from gateway.query.language.field import Columns, Field, Fields
from gateway.query.language.language import Language
from gateway.query.language.numbers import Duration, Number
from shared.signals.llm import SIGNAL

_columns = Columns({column.name: column.limit for column in SIGNAL.table.columns})

FIELDS = Fields(
    *_columns.common(),
    _columns.text("model"),
    _columns.text("provider"),
    _columns.text("operation"),
    _columns.text("status"),
    _columns.id("span", "span_id"),
    _columns.text("format"),
    Field("cost", Number("cost_usd", ("cost_usd",))),
    Field("latency", Duration("latency_ms", ("latency_ms",))),
    Field("tokens", Number("(input_tokens + output_tokens)", ("input_tokens", "output_tokens"))),
    text="concat(provider, ' ', model, ' ', operation)",
)

LANGUAGE = Language(FIELDS, SIGNAL.table.name)
