"""The fields of spans in a query."""

from gateway.query.language.field import Columns, Field, Fields
from gateway.query.language.language import Language
from gateway.query.language.numbers import Duration
from gateway.query.language.ordered import YesNo
from shared.signals.traces import SIGNAL

_columns = Columns({column.name: column.limit for column in SIGNAL.table.columns})

FIELDS = Fields(
    *_columns.common(),
    _columns.text("operation"),
    _columns.text("kind"),
    _columns.text("status"),
    Field("duration", Duration("duration_ms", ("duration_ms",))),
    Field("root", YesNo("parent_span_id = ''", ("parent_span_id",))),
    _columns.id("span", "span_id"),
    _columns.id("user", "user_id"),
    _columns.id("session", "session_id"),
    _columns.text("scope", "scope_name"),
    _columns.text("format"),
    text="operation",
)

LANGUAGE = Language(FIELDS, SIGNAL.table.name)
