"""What bodies and records must be: nodes built once from the structs' type information, which `faults` walks, and the
structs that the fast decoders check with.
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, UnsetType

from shared.formats.base import AnyObject
from shared.formats.intake import Batch
from shared.formats.structs import NewField, hints_of, remade

Kind = Literal["any", "object", "array", "string", "choice", "time", "number", "integer", "boolean", "union"]

_PLAIN: dict[Any, Kind] = {
    Any: "any",
    msgspec.Raw: "any",
    str: "string",
    float: "number",
    int: "integer",
    bool: "boolean",
    datetime: "time",
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """What one JSON value must be. Limits are inclusive; None for no limit."""

    kind: Kind
    nullable: bool = False
    or_else: Callable[[Any], Any] | None = None
    """Called with a value that breaks the rules here; returns what to store instead, or None."""
    sent_as: str = ""
    """The field of the record that keeps a value which `or_else` replaced; '' for none."""
    fields: "tuple[Field, ...]" = ()
    """Of an object, in the order of its struct."""
    items: "Node | None" = None
    """Of an array or a map: what each value must be."""
    choices: tuple[str, ...] = ()
    zoned: bool = False
    """Of a time: it must name its offset."""
    options: "tuple[Node, ...]" = ()
    """Of a union."""
    shortest: int | None = None
    longest: int | None = None
    pattern: str | None = None
    """Of a text: what must be found in it."""
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Field:
    """One field of an object: `name` in JSON, `attribute` of the struct."""

    name: str
    attribute: str
    node: Node
    required: bool


def batch_node(body: Batch, record: Any) -> Node:
    """What a whole body must be. Records of a partial one are judged one by one, not here."""
    return node_of(body.whole(Any if body.partial else record))


def name_of(struct: type[msgspec.Struct], attribute: str) -> str:
    """The name in JSON of an attribute of a struct."""
    return next(info.encode_name for info in msgspec.structs.fields(struct) if info.name == attribute)


def is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def checked(record: Any) -> Any:
    """The type that the gateway validates a record with: its own, with raw fields typed as what they must hold.

    A record type that is not a struct is a `dict`: any JSON object.
    """
    if not is_struct(record):
        return AnyObject

    def field(info: Any, hint: Any) -> NewField:
        hint = checked_hint(hint) | msgspec.UnsetType
        return (info.name, hint) if info.required else (info.name, hint, msgspec.UNSET)

    return remade(record, field)


def checked_hint(hint: Any) -> Any:
    """The type that the gateway checks a field of this type with."""
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.extra and "checked_as" in meta.extra:
            return meta.extra["checked_as"]
    return hint


def node_of(hint: Any, *limits: Meta) -> Node:
    """The node of a type within limits. Raises TypeError for one that JSON bodies of formats can't have."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _annotated(args[0], *(meta for meta in args[1:] if isinstance(meta, Meta)))
    if origin in (typing.Union, UnionType):
        return _union(args)
    if origin is Literal and all(isinstance(value, str) for value in args):
        return Node(kind="choice", choices=args)
    if origin is list:
        return _limited(Node(kind="array", items=node_of(args[0])), *limits)
    if origin is dict:
        return Node(kind="object", items=node_of(args[1]))
    if hint in _PLAIN:
        return _limited(Node(kind=_PLAIN[hint]), *limits)
    if is_struct(hint):
        return Node(kind="object", fields=_fields(hint))
    raise TypeError(f"the gateway can't tell a client what is wrong with a {hint}: use another type in the format")


def _annotated(hint: Any, *metas: Meta) -> Node:
    extra = {key: value for meta in metas for key, value in (meta.extra or {}).items()}
    node = node_of(extra["checked_as"]) if "checked_as" in extra else node_of(hint, *metas)
    return replace(node, or_else=extra["or_else"], sent_as=extra["sent_as"]) if "or_else" in extra else node


def _union(args: tuple[Any, ...]) -> Node:
    options = tuple(node_of(arg) for arg in args if arg not in (NoneType, UnsetType))
    node = options[0] if len(options) == 1 else Node(kind="union", options=options)
    return replace(node, nullable=NoneType in args)


def _limited(node: Node, *metas: Meta) -> Node:
    for meta in metas:
        node = replace(
            node,
            zoned=meta.tz or node.zoned,
            shortest=node.shortest if meta.min_length is None else meta.min_length,
            longest=node.longest if meta.max_length is None else meta.max_length,
            pattern=node.pattern if meta.pattern is None else meta.pattern,
            least=node.least if meta.ge is None else meta.ge,
            most=node.most if meta.le is None else meta.le,
        )
    return node


def _fields(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    hints = hints_of(struct)
    return tuple(
        Field(info.encode_name, info.name, node_of(hints[info.name]), info.required)
        for info in msgspec.structs.fields(struct)
    )
