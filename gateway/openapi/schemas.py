"""The structs that the gateway checks requests with -> the schemas of the document."""

import typing
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import NODEFAULT, UNSET, Meta, UnsetType

from shared.formats.base import AnyObject, Format, checked_hint

Json = dict[str, Any]

_API_KEY = Annotated[str, Meta(description="The API key, where no header carries it; never stored")]
_REFERENCE = "#/components/{}/{}"


class Components:
    """What the operations refer to, each thing once: `body` is the document's `components`."""

    def __init__(self) -> None:
        self.body: dict[str, Json] = {"schemas": {}, "responses": {}}

    def schema(self, kind: Any, prefix: str = "") -> Json:
        """A reference to the schema of a type. `prefix` goes before its name, and those of the types inside it:
        structs of two formats may have the same."""
        template = _REFERENCE.format("schemas", prefix) + "{name}"
        (reference,), found = msgspec.json.schema_components([kind], ref_template=template)
        self.body["schemas"] |= {prefix + name: schema for name, schema in found.items()}
        return reference

    def response(self, name: str, body: Mapping[str, Any]) -> Json:
        """A reference to a response; another one of the same name gets a number."""
        responses, n = self.body["responses"], 1
        while responses.setdefault(unique := name if n == 1 else f"{name}_{n}", body) != body:
            n += 1
        return {"$ref": _REFERENCE.format("responses", unique)}


def name_of(fmt: Format) -> str:
    """`DeeptracerLogs` of `deeptracer.logs`."""
    return "".join(part.capitalize() for part in fmt.name.replace("_", ".").replace("-", ".").split("."))


def body_schema(fmt: Format, components: Components) -> Json:
    """What a body of a format must be for all of it to be stored."""
    if fmt.frame is not None:
        most = Meta(min_length=fmt.min_records or None, max_length=fmt.max_records, description=_judged(fmt))
        batch: Any = Annotated[_list_of(_described(fmt.record)), most]
        return components.schema(_described(fmt.frame, {fmt.batch: batch}, has_key=True), name_of(fmt))
    one = components.schema(_described(fmt.record, has_key=True), name_of(fmt))
    if fmt.look is None and fmt.split is None:
        return one
    many = {"type": "array", "items": one, "maxItems": fmt.max_records, "description": _judged(fmt)}
    return {"anyOf": [one, many]}


def _list_of(kind: Any) -> Any:
    return list[kind]


def _judged(fmt: Format) -> str:
    if fmt.partial:
        return "Each is judged by itself: one that does not validate is dropped and counted, the others are stored."
    return "All are stored, or the request is refused."


def _described(kind: Any, other: Mapping[str, Any] | None = None, has_key: bool = False) -> Any:
    """A struct with its fields as the gateway checks them; `other` are fields of another type than they have."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return dict[str, Any]
    hints = typing.get_type_hints(kind, include_extras=True) | dict(other or {})
    fields: list[Any] = []
    for info in msgspec.structs.fields(kind):
        hint = _plain(checked_hint(hints[info.name]))
        if info.required:
            fields.append((info.name, hint))
        else:
            told = info.default is not NODEFAULT and not isinstance(info.default, msgspec.Raw)
            fields.append((info.name, hint | UnsetType, info.default if told else UNSET))
    if has_key and "api_key" not in kind.__struct_fields__:
        fields.append(("api_key", _API_KEY | UnsetType, UNSET))
    names = {info.name: info.encode_name for info in msgspec.structs.fields(kind)}
    return msgspec.defstruct(kind.__name__, fields, kw_only=True, rename=names, namespace={"__doc__": kind.__doc__})


def _plain(hint: Any) -> Any:
    """Any object as JSON schema has a word for it."""
    if hint is AnyObject:
        return dict[str, Any]
    args = typing.get_args(hint)
    if AnyObject not in args:
        return hint
    union: Any = dict[str, Any]
    for arg in args:
        union = union if arg is AnyObject else union | arg
    return union
