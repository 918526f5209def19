"""The facets beside the logs, and the choice of further ones (pages.md, "Facets")."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from gateway.query.asked import Asked
from gateway.query.language.field import ATTRIBUTE
from gateway.query.logs.attribute_keys import KeysQuery, find_keys
from gateway.query.logs.counted import Count
from gateway.query.logs.facets import Facet as Counted
from gateway.query.logs.facets import FacetsQuery, find_facets, parse_facets
from gateway.query.logs.plan import MOST_ROWS
from gateway.query.pages.facet import Facet, facet_of
from gateway.query.pages.logs.choices import FIELDS, MAX_FIELDS, Choices, can_be_word
from gateway.query.pages.view import View
from gateway.query.parameters import Parameters
from gateway.query.reader import Cramped, TooBig
from gateway.query.together import together
from gateway.rejections import Rejection

WITHIN_S = 5.0
"""Facets fail alone after that: the rows are there without them."""

EXACT, SAMPLED = ("service", "environment"), ("release", "logger")
"""Always there. The first ones are counted over all rows, the others over the newest."""

TOP = 8
_PROBLEM = "Could not be counted in time. A shorter range helps."


class Field(NamedTuple):
    """One that can be chosen. `share`: percent of the newest logs that have it; None for unknown."""

    name: str
    share: float | None
    href: str


class FieldChoice(NamedTuple):
    """`problem`: why the attributes' keys are not there; '' where they are. `is_full`: no more can be chosen."""

    fields: list[Field]
    problem: str
    is_full: bool


async def find_facets_beside(view: View, asked: Asked, choices: Choices, count: Count) -> list[Facet]:
    """Those that fail say so, and leave the others as they are."""
    groups = [group for group in (EXACT, SAMPLED, choices.fields) if group]
    return [
        facet for group in await together(*(_group(view, asked, each, count) for each in groups)) for facet in group
    ]


async def _group(view: View, asked: Asked, fields: Sequence[str], count: Count) -> list[Facet]:
    query = _query(asked, fields)
    try:
        async with asyncio.timeout(WITHIN_S):
            found = await find_facets(view.deps.reader, view.project.project_id, query, count)
    except (Rejection, TooBig, Cramped, TimeoutError):
        return [_facet(view, asked, name, [])._replace(problem=_PROBLEM) for name in fields]
    return [_counted(view, asked, each) for each in found.fields]


def _query(asked: Asked, fields: Sequence[str]) -> FacetsQuery:
    """Raises `BadQuery` for a key that no attribute can have."""
    query = parse_facets(Parameters([("fields", ",".join(fields)), ("top", str(TOP))]))
    return msgspec.structs.replace(query, asked=asked)


def _counted(view: View, asked: Asked, found: Counted) -> Facet:
    counts = [(each.value, each.count) for each in found.values if each.value]
    # Logs without one come last, and not alone.
    counts += [("", each.count) for each in found.values if counts and not each.value]
    facet = _facet(view, asked, found.name, counts)
    return facet._replace(note="" if found.sampled is None else f"newest {found.sampled:,}")


def _facet(view: View, asked: Asked, name: str, counts: Iterable[tuple[str, int]]) -> Facet:
    facet = facet_of(view, asked.q, name, counts)
    if name in (*EXACT, *SAMPLED):
        return facet
    given = view.request.query_params.get("fields", "").split(",")
    return facet._replace(drop=view.here(fields=",".join(each for each in given if each.strip() != name)))


async def find_choice(view: View, asked: Asked, choices: Choices) -> FieldChoice | None:
    """The fields that can be chosen as facets, if they are asked for: the keys of the newest logs' attributes too."""
    if not choices.choosing:
        return None
    found, problem = [Field(name, None, "") for name in FIELDS], ""
    try:
        async with asyncio.timeout(WITHIN_S):
            keys = await find_keys(view.deps.reader, view.project.project_id, KeysQuery(asked, MOST_ROWS))
        found += [Field(ATTRIBUTE + each.key, each.share * 100, "") for each in keys.fields if can_be_word(each.key)]
    except (Rejection, TooBig, Cramped, TimeoutError):
        problem = "The attributes' keys could not be looked up in time. A shorter range helps."
    left = [field for field in found if field.name not in choices.fields]
    linked = [field._replace(href=_with(view, choices, field.name)) for field in left]
    return FieldChoice(linked, problem, len(choices.fields) >= MAX_FIELDS)


def _with(view: View, choices: Choices, name: str) -> str:
    return view.here(fields=",".join((*choices.fields, name)), more=None)
