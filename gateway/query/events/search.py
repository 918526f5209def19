"""Finds an error by its id, and reads its stack."""

from dataclasses import dataclass

import msgspec

from gateway.mapping.mapper import Wanted
from gateway.query.events.chain import Chain, read_chain
from gateway.query.events.columns import COLUMNS, Row, rendered, select_list
from gateway.query.events.debug_ids import debug_ids
from gateway.query.reader import Reader
from gateway.query.refusals import EventNotFound
from gateway.query.stored import text_of
from shared.event_ids import spellings
from shared.signals.errors import SIGNAL

MAX_EVENT_ID = 128

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Event:
    """An error. `columns`: its stored columns as the text inside a JSON object."""

    columns: bytes
    chain: Chain
    wanted: Wanted


async def find_event(reader: Reader, project_id: str, event_id: str) -> Event:
    """An error; of several with the same id, the one received last. Raises `EventNotFound`, `Unavailable`."""
    if not 0 < len(event_id) <= MAX_EVENT_ID:
        raise EventNotFound
    found = await reader.read(
        lambda rows: [event_of(project_id, dict(zip(COLUMNS, row, strict=True))) for row in rows],
        f"SELECT {select_list()} FROM `{reader.database}`.`{SIGNAL.table.name}`"  # noqa: S608 - names of ours
        " WHERE project_id = %(project_id)s AND event_id IN %(event_ids)s ORDER BY received_at DESC LIMIT 1",
        {"project_id": project_id, "event_ids": tuple(spellings(event_id.replace("\0", "\ufffd")))},
        project_id=project_id,
    )
    if not found:
        raise EventNotFound
    return found[0]


def event_of(project_id: str, row: Row) -> Event:
    """What a row of the errors table says."""
    kind, message, stack, release = (text_of(row[name]) for name in ("type", "error_message", "stack_trace", "release"))
    return Event(
        columns=_encode(rendered(row))[1:-1],
        chain=read_chain(kind, message, stack),
        wanted=Wanted(project_id, release, debug_ids(row["attributes"], row["extra"])),
    )
