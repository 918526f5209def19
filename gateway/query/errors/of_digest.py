"""The errors that share a digest of Next.js: what the browser reported, and what the server did
(grouping.md, "Digests")."""

from typing import NamedTuple

from gateway.query.reader import Reader
from gateway.query.times import clamp
from shared.formats.digests import comparable
from shared.formats.values import LEAD_US
from shared.signals.base import ID_LIMIT
from shared.signals.errors import SIGNAL

MOST = 100


class Occurrence(NamedTuple):
    """One error; `timestamp` is microseconds, absent text ''."""

    event_id: str
    timestamp: int
    fingerprint: str
    type: str
    error_message: str
    service: str
    environment: str
    release: str
    trace_id: str
    vercel_id: str


_TIMES = {"timestamp": "toUnixTimestamp64Micro(timestamp)"}
_SELECTED = ", ".join(_TIMES.get(name, f"`{name}`") for name in Occurrence._fields)


async def errors_of_digest(
    reader: Reader, project_id: str, digest: str, start: int, end: int, limit: int = MOST
) -> list[Occurrence]:
    """The errors with this digest between two times (microseconds, inclusive), newest first.

    The digest is taken as a page or a log shows it: a code behind it (`77@E394`) doesn't count. One that names a kind
    of error finds nothing. Raises `TooBig`, `Unavailable`.
    """
    stored = comparable(digest.strip())[:ID_LIMIT]
    if not stored:
        return []
    rows = await reader.query(
        f"SELECT {_SELECTED} FROM `{reader.database}`.`{SIGNAL.table.name}`"  # noqa: S608 - names of ours
        " WHERE project_id = %(project_id)s AND digest = %(digest)s"
        " AND timestamp >= fromUnixTimestamp64Micro(%(start)s) AND timestamp <= fromUnixTimestamp64Micro(%(end)s)"
        " AND received_at >= fromUnixTimestamp64Micro(%(arrived)s)"
        " ORDER BY timestamp DESC, received_at DESC LIMIT %(limit)s",
        {
            "project_id": project_id,
            "digest": stored,
            "start": start,
            "end": end,
            "arrived": clamp(start - LEAD_US),
            "limit": limit,
        },
        project_id=project_id,
    )
    return [Occurrence(*row) for row in rows]
