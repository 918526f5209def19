"""The rows of errors that a question is about, and what is counted of them."""

from gateway.query.asked import Asked
from gateway.query.errors.fields import LANGUAGE, SEVERITIES
from gateway.query.groups import Grouping, Sql
from gateway.query.language import Condition, Cost
from gateway.query.place import PLACE_COLUMNS
from gateway.query.reader import Reader
from gateway.query.source import Source
from shared.signals.errors import SIGNAL

USER = "if(user_id != '', user_id, user_email)"
"""Who it happened to: the user's id, else the address."""

USERS = f"uniqExactIf({USER}, {USER} != '')"

_SEVERITIES = ", ".join(f"'{severity}'" for severity in SEVERITIES)
SEVERITY = f"arrayElement(['', {_SEVERITIES}], 1 + max(indexOf([{_SEVERITIES}], severity)))"
"""The highest."""

NEWEST_FIRST = f"ORDER BY {', '.join(f'{column} DESC' for column in PLACE_COLUMNS)}"


def errors_of(reader: Reader, project_id: str, grouping: Grouping, asked: Asked) -> Source:
    """The errors of a range that `q` finds."""
    conditions = asked.conditions(LANGUAGE, grouping.members)
    return Source.of(reader.database, SIGNAL.table.name, project_id, conditions)


def condition_of(sql: Sql) -> Condition:
    """A condition on the group as a part of a `Source`."""
    return Condition(sql.text, sql.values, Cost.COLUMNS)
