"""The fields of logs in a query."""

from gateway.query.language.binding import Cost
from gateway.query.language.field import Columns, Field, Fields
from gateway.query.language.language import Language
from gateway.query.language.ordered import Ordered
from gateway.query.language.texts import SearchedWords, Words
from shared.formats.levels import LEVELS, level_of
from shared.formats.vercel_ids import without_regions
from shared.signals.logs import LOGS

PATTERN = "pattern"
"""The column that is computed from template and message. A condition on it folds each row that is read."""

_columns = Columns({column.name: column.limit for column in LOGS.columns})

FIELDS = Fields(
    *_columns.common(),
    Field("level", Ordered("level", LEVELS, level_of), cost=Cost.ROLLUP),
    _columns.text("logger", "logger_name"),
    _columns.text("template"),
    Field(PATTERN, Words(PATTERN), cost=Cost.TEXT),
    Field("message", SearchedWords("message"), cost=Cost.TEXT),
    _columns.id("span", "span_id"),
    _columns.id("request", "request_id"),
    _columns.id("vercel", "vercel_id", without_regions),
    _columns.person(),
    _columns.text("email", "user_email"),
    _columns.id("account", "account_id"),
    _columns.text("file", "file_path"),
    _columns.text("function", "function_name"),
    _columns.text("event", "event_name"),
    _columns.text("format"),
    text="message",
)

LANGUAGE = Language(FIELDS, LOGS.name)
