"""The stack of an error: its frames as the sources have them where a map says so, else as it was sent."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.mapping.answers import Mapped, Outcome
from gateway.mapping.mapper import Mapper
from gateway.query.commands.lenient_json import read_json
from gateway.query.commands.table import BELOW
from gateway.query.events.chain import JAVASCRIPT, Chain, ReadError, ReadFrame
from gateway.query.events.search import find_event
from gateway.query.reader import Reader

NEED_NO_MAP = ("runtime", "is_source", "no_position", "too_many_frames")
"""Why a frame is not mapped though no map is missing."""


class Stack(NamedTuple):
    """`why_not`: sentences on frames that have no map yet."""

    text: str
    why_not: list[str]


async def find_stack(reader: Reader, mapper: Mapper, project_id: str, event_id: str) -> Stack:
    """The stack of an event. Raises `EventNotFound`, `Unavailable`."""
    event = await find_event(reader, project_id, event_id)
    columns, _ = read_json(f"{{{event.columns.decode(errors='replace')}}}")
    sent = str(columns["stack_trace"])
    if event.chain.language != JAVASCRIPT:
        return Stack(sent, [])
    outcomes = await mapper.map(event.wanted, event.chain.places)
    return Stack(mapped(event.chain, outcomes) or sent, why_not(outcomes))


def mapped(chain: Chain, outcomes: Sequence[Sequence[Outcome]]) -> str:
    """The chain with the frames that are mapped; '' where none is."""
    if not any(isinstance(outcome, Mapped) for its in outcomes for outcome in its):
        return ""
    errors = zip(chain.errors, outcomes, strict=True)
    return "\n".join(line for n, (error, its) in enumerate(errors) for line in _lines(error, its, is_cause=n > 0))


def why_not(outcomes: Sequence[Sequence[Outcome]]) -> list[str]:
    """Each reason once for which a frame that could have a map has none."""
    unmapped = (outcome for its in outcomes for outcome in its if not isinstance(outcome, Mapped))
    return list(dict.fromkeys(each.reason for each in unmapped if each.status not in NEED_NO_MAP))


def _lines(error: ReadError, outcomes: Sequence[Outcome], *, is_cause: bool) -> Iterator[str]:
    title = f"{error.type}: {error.message}" if error.message else error.type
    yield f"caused by {title}" if is_cause else title
    for frame, outcome in zip(error.frames, outcomes, strict=True):
        yield f"{BELOW}at {_frame(frame, outcome)}"


def _frame(frame: ReadFrame, outcome: Outcome) -> str:
    place = frame.place
    if isinstance(outcome, Mapped):
        where, function = f"{outcome.source}:{outcome.line}:{outcome.column}", outcome.function or place.function
    else:
        where, function = f"{place.file}:{place.line}:{place.column}", place.function
    return f"{function} ({where})" if function else where
