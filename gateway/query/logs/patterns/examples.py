"""The newest log of a pattern, as an example of it."""

from collections.abc import Mapping

from gateway.query.asked import Asked
from gateway.query.language import Condition, Cost
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.patterns.union import KEY
from gateway.query.place import PLACE_COLUMNS
from gateway.query.reader import Reader
from gateway.query.source import Source
from gateway.query.stored import text_of
from shared.signals.logs import LOGS

MAX_CHARACTERS = 2_000


async def examples_of(reader: Reader, project_id: str, asked: Asked, newest: Mapping[int, int]) -> dict[int, str]:
    """Key of a pattern -> the message of its newest log, cut at `MAX_CHARACTERS`. `newest`: key -> the time of that
    log, microseconds. A pattern whose log is gone meanwhile is missing."""
    if not newest:
        return {}
    times = {f"time_{n}": time for n, time in enumerate(sorted(set(newest.values())))}
    moments = ", ".join(f"fromUnixTimestamp64Micro(%({name})s)" for name in times)
    source = Source.of(reader.database, LOGS.name, project_id, asked.conditions(LANGUAGE)).narrowed(
        Condition(f"timestamp IN ({moments})", times),
        Condition(f"{KEY} IN %(patterns)s", {"patterns": tuple(newest)}, Cost.TEXT),
    )
    order = ", ".join(f"{column} DESC" for column in PLACE_COLUMNS)
    return await source.read(
        reader,
        lambda rows: {key: text_of(message) for key, message in rows},
        f"{KEY} AS pattern_key, substringUTF8(message, 1, {MAX_CHARACTERS})",
        f"ORDER BY {order} LIMIT 1 BY pattern_key",
    )
