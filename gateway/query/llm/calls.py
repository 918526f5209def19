"""Calls to models, one by one (reading.md, "Calls to models")."""

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.listing import Listing
from gateway.query.llm.fields import LANGUAGE
from gateway.query.llm.figures import UNPRICED
from gateway.query.paging import Paging, Sort, find_page, parse_paging
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.reader import Reader
from gateway.query.shape import Json, Shape, Time
from gateway.query.source import Source
from shared.signals.llm import SIGNAL


class LlmCalls(Listing, frozen=True, kw_only=True):
    calls: list["LlmCall"]


class LlmCall(msgspec.Struct, frozen=True):
    """`unpriced`: it has tokens and no cost, because nobody knew the model's price."""

    timestamp: Time
    model: str
    provider: str
    operation: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced: bool
    latency_ms: int
    service: str | None
    environment: str | None
    release: str | None
    trace_id: str | None
    attributes: Json


class CallsQuery(msgspec.Struct, frozen=True):
    asked: Asked
    paging: Paging


_SHAPE = Shape(LlmCall, {"unpriced": f"({UNPRICED})"}, large=("attributes",))
SORTS = (
    Sort("time"),
    Sort("cost", "cost_usd"),
    Sort("latency", "latency_ms"),
    Sort("tokens", "(input_tokens + output_tokens)"),
)


def parse_calls(given: Parameters) -> CallsQuery:
    """Raises `BadQuery`."""
    query = CallsQuery(parse_asked(given, LANGUAGE), parse_paging(given, SORTS))
    given.finish()
    return query


async def find_calls(reader: Reader, project_id: str, query: CallsQuery) -> LlmCalls:
    """Raises `TooBig`, `Unavailable`."""
    source = Source.of(reader.database, SIGNAL.table.name, project_id, query.asked.conditions(LANGUAGE))
    page = await find_page(reader, source, _SHAPE, query.paging)
    return LlmCalls(calls=page.rows, next=page.next, previous=page.previous)


CALLS = Question("/llm/calls", "Calls to models", parse_calls, find_calls, LlmCalls)
