"""One log, opened: its fields with the links that search for them (pages.md, "Logs")."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.query.language import Node
from gateway.query.language.nodes import AnyOf, Exact, Term
from gateway.query.logs.fields import FIELDS
from gateway.query.pages.facet import pick_links
from gateway.query.pages.stored_log import StoredLog
from gateway.query.pages.view import View

_FIELDS = {
    "service": "service",
    "environment": "environment",
    "release": "release",
    "logger_name": "logger",
    "template": "template",
    "file_path": "file",
    "function_name": "function",
    "trace_id": "trace",
    "span_id": "span",
    "request_id": "request",
    "vercel_id": "vercel",
    "user_id": "user",
    "user_email": "email",
    "account_id": "account",
    "format": "format",
}
"""Column -> the field that searches for it, in the order in which they are shown."""

_OTHERS = ("line_number", "account_name", "user", "account", "extra")

MAX_ATTRIBUTES = 300
MAX_DEPTH = 20
MAX_LINKED = 500
"""Characters of a value that a link searches for."""


class Pair(NamedTuple):
    """A field, or an attribute by its dotted path. `links`: only, exclude; empty where nothing searches for it."""

    name: str
    value: str
    links: dict[str, str]
    column: str = ""
    """What it is called in `columns`; '' for none."""


class Opened(NamedTuple):
    log: StoredLog
    fields: list[Pair]
    attributes: list[Pair]
    more: int
    """Attributes that are not shown."""


def opened(view: View, tree: Node, log: StoredLog) -> Opened:
    attributes = list(_attributes(log.columns["attributes"] or {}))
    shown = [
        Pair(path, _text(value), _links(view, tree, f"attr.{path}", _sought(value)))
        for path, value in attributes[:MAX_ATTRIBUTES]
    ]
    return Opened(log, list(_fields(view, tree, log)), shown, max(0, len(attributes) - MAX_ATTRIBUTES))


def _fields(view: View, tree: Node, log: StoredLog) -> Iterator[Pair]:
    for column, field in _FIELDS.items():
        if value := log.columns.get(column):
            yield Pair(field, str(value), _links(view, tree, field, str(value)), column)
    for column in _OTHERS:
        if value := log.columns.get(column):
            yield Pair(column, _text(value) if isinstance(value, dict) else str(value), {})


def _attributes(value: dict[str, Any], path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The values of nested objects by their paths."""
    for key, each in value.items():
        if isinstance(each, dict) and each and depth < MAX_DEPTH:
            yield from _attributes(each, f"{path}{key}.", depth + 1)
        else:
            yield f"{path}{key}", each


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sought(value: Any) -> str:
    """The text that finds a scalar; '' for what no term finds."""
    if isinstance(value, str):
        return value
    return "" if isinstance(value, dict | list) else json.dumps(value)


def _links(view: View, tree: Node, field: str, value: str) -> dict[str, str]:
    if not 0 < len(value) <= MAX_LINKED or (field not in FIELDS.names and not field.startswith("attr.")):
        return {}
    return pick_links(view, tree, Term(field, AnyOf((Exact(value),))))
