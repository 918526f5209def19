"""Ids of events. They are the client's own text; those that are UUIDs are the same in any spelling
(contracts.md, "`POST /api/v1/errors`")."""

import re

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-?)[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{12}")


def same_id(event_id: str) -> str:
    """Equal for all spellings of one id: of a UUID lower case and without dashes, of any other id the id itself."""
    return event_id.replace("-", "").lower() if _UUID.fullmatch(event_id) else event_id


def stored_id(event_id: str) -> str:
    """An id as it is stored: as it was sent, but a UUID in mixed case, which nobody would find again, in lower case."""
    if event_id == event_id.lower() or event_id == event_id.upper() or not _UUID.fullmatch(event_id):
        return event_id
    return event_id.lower()


def spellings(event_id: str) -> list[str]:
    """All that may be stored of an id that is asked for: of a UUID in lower or upper case, with dashes or without."""
    if not _UUID.fullmatch(event_id):
        return [event_id]
    plain = same_id(event_id)
    dashed = "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
    return list(dict.fromkeys((event_id, plain, dashed, plain.upper(), dashed.upper())))
