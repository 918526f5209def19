"""One log, opened: its fields with the links that search for them (pages.md, "Logs")."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.query.language import Node
from gateway.query.language.field import ATTRIBUTE
from gateway.query.language.nodes import AnyOf, Exact, Term
from gateway.query.logs.fields import FIELDS
from gateway.query.pages.facet import MAX_LINKED, pick_links
from gateway.query.pages.json_tree import Branch, JsonTree
from gateway.query.pages.logs.around import Around
from gateway.query.pages.logs.choices import COLUMNS, MAX_COLUMNS, can_be_word
from gateway.query.pages.stored_log import StoredLog
from gateway.query.pages.view import View

_FIELDS = {
    "service": "service",
    "environment": "environment",
    "release": "release",
    "event_name": "event",
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

_OTHERS = ("line_number", "account_name")
_OBJECTS = ("user", "account", "resource", "extra")


class Pair(NamedTuple):
    """A field. `links`: only, exclude, and column where it can become one; empty where nothing searches for it."""

    name: str
    value: str
    links: Mapping[str, str]


@dataclass(frozen=True)
class _Linking:
    """Where the links of a log's values lead. `ref`: the log stays open where they lead to the same list."""

    view: View
    tree: Node
    ref: str

    def of_attribute(self, path: str, value: str) -> Mapping[str, str]:
        return self.links(ATTRIBUTE + path, value, ATTRIBUTE + path)

    def links(self, field: str, value: str, column: str) -> Mapping[str, str]:
        if not 0 < len(value) <= MAX_LINKED or (field not in FIELDS.names and not field.startswith(ATTRIBUTE)):
            return {}
        return pick_links(self.view, self.tree, Term(field, AnyOf((Exact(value),)))) | self._column(column)

    def _column(self, name: str) -> dict[str, str]:
        chosen = [each for each in self.view.request.query_params.get("columns", "").split(",") if each]
        known = name in COLUMNS or (name.startswith(ATTRIBUTE) and can_be_word(name))
        if not known or name in chosen or len(chosen) >= MAX_COLUMNS:
            return {}
        return {"column": self.view.url("logs", open=self.ref, columns=",".join((*chosen, name)))}


class Opened(NamedTuple):
    """`objects`: other columns that hold JSON objects, by name. `around`: the logs around it, where they were asked
    for. `cut`: there are more attributes than are shown."""

    log: StoredLog
    fields: list[Pair]
    attributes: list[Branch]
    objects: list[Branch]
    around: Around | None
    cut: bool


def opened(view: View, tree: Node, log: StoredLog, around: Around | None = None) -> Opened:
    linking = _Linking(view, tree, log.ref)
    attributes, others = JsonTree(linking.of_attribute), JsonTree()
    branches = attributes.branches(log.columns["attributes"] or {})
    objects = {name: found for name in _OBJECTS if (found := log.columns.get(name))}
    return Opened(
        log, list(_fields(linking, log)), branches, others.branches(objects), around, attributes.cut or others.cut
    )


def _fields(linking: _Linking, log: StoredLog) -> Iterator[Pair]:
    for column, field in _FIELDS.items():
        if value := log.columns.get(column):
            yield Pair(field, str(value), linking.links(field, str(value), column))
    for column in _OTHERS:
        if value := log.columns.get(column):
            yield Pair(column, str(value), {})
