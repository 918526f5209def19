"""One log, with all that is stored of it (reading.md, "One log")."""

from typing import Annotated

import msgspec

from gateway.query.asked import Asked
from gateway.query.logs.at import find_at, place_in_path, range_around
from gateway.query.logs.columns import COLUMNS, REF, schema_of_log
from gateway.query.parameters import Parameters
from gateway.query.place import Place, encode_place
from gateway.query.question import Question
from gateway.query.reader import Reader
from gateway.query.refusals import LogNotFound
from shared.signals.logs import LOGS

WholeLog = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema=schema_of_log(COLUMNS))]


class OneLog(msgspec.Struct, frozen=True):
    """`log`: every column. `_topic`, `_partition`, `_offset` and `_index` say where its record stands in the queue."""

    ref: str
    log: WholeLog


class OneLogQuery(msgspec.Struct, frozen=True):
    """`place`: None where the path names none."""

    asked: Asked
    place: Place | None


def parse_one_log(given: Parameters) -> OneLogQuery:
    """Raises `BadQuery`."""
    place = place_in_path(given)
    given.finish()
    return OneLogQuery(Asked(range_around(place), tables=(LOGS.name,)), place)


async def find_one_log(reader: Reader, project_id: str, query: OneLogQuery) -> OneLog:
    """Raises `LogNotFound`, `Unavailable`."""
    found = await find_at(reader, project_id, query.place, COLUMNS)
    return OneLog(encode_place(found.place), found.shown)


ONE_LOG = Question(
    f"/logs/{{{REF}}}",
    "A log",
    parse_one_log,
    find_one_log,
    OneLog,
    unknown=LogNotFound(),
)
