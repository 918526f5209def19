"""The facets beside the logs (pages.md, "Facets")."""

import asyncio

import msgspec

from gateway.query.asked import Asked
from gateway.query.logs.facets import find_facets, parse_facets
from gateway.query.pages.facet import Facet, facet_of
from gateway.query.pages.view import View
from gateway.query.parameters import Parameters
from gateway.query.reader import TooBig
from gateway.rejections import Rejection

WITHIN_S = 5.0
"""Facets fail alone after that: the rows are there without them."""

_QUERY = parse_facets(Parameters([("fields", "service,environment,release,logger"), ("top", "8")]))


async def log_facets(view: View, asked: Asked) -> list[Facet] | None:
    """None where they could not be counted in time."""
    query = msgspec.structs.replace(_QUERY, asked=asked)
    try:
        async with asyncio.timeout(WITHIN_S):
            found = await find_facets(view.deps.reader, view.project.project_id, query)
    except (Rejection, TooBig, TimeoutError):
        return None
    return [
        facet_of(
            view,
            asked.q,
            facet.name,
            [(each.value, each.count) for each in facet.values if each.value],
            note="" if facet.sampled is None else f"newest {facet.sampled:,}",
        )
        for facet in found.fields
    ]
