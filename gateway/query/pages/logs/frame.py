"""What all pages of logs show around their own: range, histogram, facets, tabs, export (pages.md, "Logs")."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any, NamedTuple

from gateway.query.asked import Asked
from gateway.query.complete import Complete
from gateway.query.language import Node
from gateway.query.logs.columns import KEYS
from gateway.query.logs.counted_once import CountedOnce
from gateway.query.pages.facet import Facet, facet_of
from gateway.query.pages.logs.choices import Choices
from gateway.query.pages.logs.rail import find_choice, find_facets_beside
from gateway.query.pages.logs.volumes import FROM_BELOW, PROBLEM, Volumes, find_volumes, volume_query
from gateway.query.pages.logs.words import words_of
from gateway.query.pages.view import View
from gateway.query.together import together

_TABS = (
    ("Rows", "logs", "r"),
    ("Patterns", "logs/patterns", "p"),
    ("Changes", "logs/changes", ""),
    ("Compare", "logs/compare", ""),
)

_FORMATS = (("ndjson", "NDJSON, one JSON object a line"), ("csv", "CSV, for a spreadsheet"))


class Tab(NamedTuple):
    """`key`: what opens it; '' for none."""

    text: str
    href: str
    chosen: bool
    key: str


class File(NamedTuple):
    text: str
    href: str


async def complete_of(view: View, asked: Asked) -> Complete:
    """How far what is shown is complete. To be asked before anything is read."""
    return (await view.deps.complete_of(asked.tables)).within(asked.as_of)


async def find_frame(view: View, asked: Asked, choices: Choices, complete: Complete) -> Mapping[str, Any]:
    """By their names in the templates. Nothing here empties what the page shows itself: what fails says so."""
    with closing(CountedOnce(volume_query(asked).width)) as count:
        volumes, facets, choice = await together(
            find_volumes(view, asked, complete, count),
            find_facets_beside(view, asked, choices, count),
            find_choice(view, asked, choices),
        )
    return {
        "asked": asked,
        "picker": view.picker(asked.range),
        "badge": view.badge(complete),
        "volumes": volumes,
        "volumes_problem": PROBLEM,
        "facets": [_levels(view, asked.q, volumes), *facets],
        "choice": choice,
        "words": words_of(asked.q),
        "columns": choices.columns,
        "tabs": _tabs(view),
        "share": view.shared(asked.range, complete, of=None, tail=None),
        "files": _files(view, asked, choices),
    }


def _levels(view: View, tree: Node, volumes: Volumes | None) -> Facet:
    """The levels, which are the legend of the histogram, too."""
    counts = volumes.chart.totals if volumes else {}
    return facet_of(view, tree, "level", [(each, counts[each]) for each in FROM_BELOW if counts.get(each)], css="lv")


def _tabs(view: View) -> list[Tab]:
    return [Tab(text, view.url(page), page == view.name, key) for text, page, key in _TABS]


def _files(view: View, asked: Asked, choices: Choices) -> list[File]:
    """The same range in files, with the columns that are chosen. Attributes are written whole."""
    ends = view.picker(asked.range).ends(*asked.range)
    chosen = [name for name in choices.columns if "." not in name and name not in KEYS]
    columns = ",".join((*KEYS, "service", *(name for name in chosen if name != "service"))) if chosen else None
    return [
        File(text, view.url("logs/export", **ends, last=None, fields=None, columns=columns, format=name))
        for name, text in _FORMATS
    ]
