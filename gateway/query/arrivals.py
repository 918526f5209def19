"""How many rows that a query finds have arrived, minute by minute."""

from gateway.query.asked import Asked
from gateway.query.language import Language
from gateway.query.language.binding import Members
from gateway.query.reader import Reader
from gateway.query.source import Source

MINUTE_US = 60_000_000


async def find_arrivals(
    reader: Reader, project_id: str, asked: Asked, language: Language, members: Members | None = None
) -> dict[int, int]:
    """Start of a minute, microseconds -> rows that arrived in it, of minutes that have some. Raises `TooBig`,
    `Unavailable`."""
    source = Source.of(reader.database, language.table, project_id, asked.conditions(language, members))
    minute = f"intDiv(toUnixTimestamp64Micro(received_at), {MINUTE_US}) AS minute"
    rows = await source.rows(reader, f"{minute}, count()", "GROUP BY minute")
    return {minute * MINUTE_US: count for minute, count in rows}
