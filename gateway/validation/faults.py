"""Where a body breaks its contract: one walk over plain JSON values, all faults in the schema's order, depth first.

Each API in `gateway.apis` puts the faults into its own words.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from math import isinf
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from gateway.validation.contract import Kind, Node
from shared.formats.intake import Malformed

Rule = Literal["missing", "type", "choice", "time", "whole", "shortest", "longest", "pattern", "least", "most", "union"]
"""What was broken: it is absent; its JSON type; a limit of the node; every option of a union."""

Path = tuple[str | int, ...]

_NAMES = {str: "string", int: "number", float: "number", bool: "boolean", list: "array", dict: "object"}
_EXPECTED: dict[Kind, str] = {"choice": "string", "time": "string", "integer": "number"}
_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


class Fault(NamedTuple):
    """One broken rule: where, which, what was expected and what was found (`missing`: the object around it)."""

    path: Path
    rule: Rule
    node: Node
    value: Any
    options: "tuple[list[Fault], ...]" = ()
    """Of a union: what each option says."""


def json_type(value: Any) -> str:
    """JavaScript's name for the type of a JSON value."""
    return "null" if value is None else _NAMES[type(value)]


def expected_type(node: Node) -> str:
    """The JSON type that a node wants."""
    return _EXPECTED.get(node.kind, node.kind)


class Walker:
    """Compares values with nodes. `length` measures a text in the unit of the API's limits."""

    def __init__(self, length: Callable[[str], int]) -> None:
        self._length = length

    def faults(self, node: Node, value: Any, path: Path = ()) -> Iterator[Fault]:
        """Every broken rule below a node. Raises `Malformed` for a number that no double holds."""
        found = self._broken(node, value, path)
        if node.or_else is not None:
            listed = list(found)
            if not listed or node.or_else(value) is not None:
                return
            found = iter(listed)
        yield from found

    def mended(self, node: Node, value: Any) -> Any:
        """A value without faults as the record's struct accepts it: nearly always the value itself."""
        if node.or_else is None or not any(self._broken(node, value, ())):
            return value
        return node.or_else(value)

    def _broken(self, node: Node, value: Any, path: Path) -> Iterator[Fault]:
        if node.kind == "any" or (value is None and node.nullable):
            return
        if node.kind == "union":
            yield from self._union(node, value, path)
        elif json_type(value) != expected_type(node):
            yield Fault(path, "type", node, value)
        elif node.kind == "object":
            yield from self._object(node, value, path)
        elif node.kind == "array":
            yield from self._array(node, value, path)
        elif node.kind in ("number", "integer"):
            yield from _number(node, value, path)
        elif node.kind == "string":
            yield from _length(node, self._length(value), value, path)
            if node.pattern is not None and re.search(node.pattern, value) is None:
                yield Fault(path, "pattern", node, value)
        elif node.kind == "choice" and value not in node.choices:
            yield Fault(path, "choice", node, value)
        elif node.kind == "time" and not _is_time(value, node.zoned):
            yield Fault(path, "time", node, value)

    def _object(self, node: Node, value: dict[str, Any], path: Path) -> Iterator[Fault]:
        for field in node.fields:
            if field.name in value:
                yield from self.faults(field.node, value[field.name], (*path, field.name))
            elif field.required:
                yield Fault((*path, field.name), "missing", field.node, value)
        if node.items is not None:
            for key, item in value.items():
                yield from self.faults(node.items, item, (*path, key))

    def _array(self, node: Node, value: list[Any], path: Path) -> Iterator[Fault]:
        yield from _length(node, len(value), value, path)
        if node.items is not None:
            for index, item in enumerate(value):
                yield from self.faults(node.items, item, (*path, index))

    def _union(self, node: Node, value: Any, path: Path) -> Iterator[Fault]:
        options = tuple(list(self.faults(option, value, path)) for option in node.options)
        if all(options):
            yield Fault(path, "union", node, value, options)


def _length(node: Node, length: int, value: Any, path: Path) -> Iterator[Fault]:
    if node.shortest is not None and length < node.shortest:
        yield Fault(path, "shortest", node, value)
    if node.longest is not None and length > node.longest:
        yield Fault(path, "longest", node, value)


def _number(node: Node, value: float, path: Path) -> Iterator[Fault]:
    try:
        if isinf(value):  # which raises by itself for an integer beyond a double's range
            raise OverflowError
    except OverflowError as error:
        raise Malformed("a number that no double holds") from error
    if node.kind == "integer" and isinstance(value, float):
        yield Fault(path, "whole", node, value)
    if node.least is not None and value < node.least:
        yield Fault(path, "least", node, value)
    if node.most is not None and value > node.most:
        yield Fault(path, "most", node, value)


def _is_time(text: str, zoned: bool) -> bool:
    try:
        msgspec.convert(text, _Zoned if zoned else datetime)
    except msgspec.ValidationError:
        return False
    return True
