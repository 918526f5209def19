"""The fields of errors in a query."""

from gateway.query.groups import COLUMN
from gateway.query.language.binding import Cost
from gateway.query.language.field import Columns, Field, Fields
from gateway.query.language.language import Language
from gateway.query.language.ordered import Ordered, YesNo
from gateway.query.language.texts import Group
from shared.formats.digests import comparable
from shared.formats.vercel_ids import without_regions
from shared.signals.errors import SIGNAL

SEVERITIES = ("low", "medium", "high", "critical")


def _severity(word: str) -> str | None:
    return word.lower() if word.lower() in SEVERITIES else None


def _digest(shown: str) -> str:
    """A digest as a page or a log shows it; a code behind it (`77@E394`) doesn't count."""
    return comparable(shown.strip()) or shown


_columns = Columns({column.name: column.limit for column in SIGNAL.table.columns})

FIELDS = Fields(
    *_columns.common(),
    # `status` (open, resolved, muted) is a group's, not a row's, and stands in Postgres. It joins here, as a kind that
    # asks for the fingerprints of a status as `Group` asks for those of a group.
    Field(COLUMN, Group(_columns.words(COLUMN))),
    _columns.text("type"),
    Field("severity", Ordered("severity", SEVERITIES, _severity)),
    Field("handled", YesNo("handled != 0", ("handled",))),
    _columns.text("level"),
    _columns.text("message", "error_message", cost=Cost.TEXT),
    _columns.person(),
    _columns.text("email", "user_email"),
    _columns.id("account", "account_id"),
    _columns.id("session", "session_id"),
    _columns.id("span", "span_id"),
    _columns.id("digest", "digest", _digest),
    _columns.id("vercel", "vercel_id", without_regions),
    _columns.text("url", cost=Cost.TEXT),
    _columns.text("platform"),
    _columns.text("format"),
    text="concat(type, ': ', error_message)",
)

LANGUAGE = Language(FIELDS, SIGNAL.table.name)
