"""The structs that the gateway checks requests with -> the schemas of the document."""

import typing
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import NODEFAULT, UNSET, Meta, UnsetType

from gateway.validation.contract import checked_hint, is_struct
from shared.formats.base import AnyObject
from shared.formats.structs import NewField, remade

Json = dict[str, Any]

_API_KEY = Annotated[str, Meta(description="The API key, where no header carries it; never stored")]
_REFERENCE = "#/components/{}/{}"


class Components:
    """The schemas and responses that operations refer to, each once. `body` is the document's `components`."""

    def __init__(self) -> None:
        self.body: dict[str, Json] = {"schemas": {}, "responses": {}}

    def schema(self, kind: Any, prefix: str = "") -> Json:
        """A reference to the schema of a type. `prefix` goes before its name and the names of the types inside it, as
        two formats may have structs of the same name."""
        template = _REFERENCE.format("schemas", prefix) + "{name}"
        (reference,), found = msgspec.json.schema_components([kind], ref_template=template)
        for name, schema in found.items():
            if self.body["schemas"].setdefault(prefix + name, schema) != schema:
                raise ValueError(f"two types of the API are named {prefix}{name}: rename one, or give a prefix")
        return reference

    def response(self, name: str, body: Mapping[str, Any]) -> Json:
        """A reference to a response; a different one of the same name gets a number."""
        responses, n = self.body["responses"], 1
        while responses.setdefault(unique := name if n == 1 else f"{name}_{n}", body) != body:
            n += 1
        return {"$ref": _REFERENCE.format("responses", unique)}


def described(kind: Any, has_key: bool = False) -> Any:
    """A struct with its fields as the gateway checks them."""
    if not is_struct(kind):
        return dict[str, Any]

    def field(info: Any, hint: Any) -> NewField:
        hint = _plain(checked_hint(hint))
        if info.required:
            return info.name, hint
        told = info.default is not NODEFAULT and not isinstance(info.default, msgspec.Raw)
        return info.name, hint | UnsetType, info.default if told else UNSET

    more = [("api_key", _API_KEY | UnsetType, UNSET)] if has_key and "api_key" not in kind.__struct_fields__ else []
    return remade(kind, field, more, {"__doc__": kind.__doc__})


def _plain(hint: Any) -> Any:
    """The type with `AnyObject` replaced by one that has a JSON schema."""
    if hint is AnyObject:
        return dict[str, Any]
    args = typing.get_args(hint)
    if typing.get_origin(hint) is Annotated:
        return Annotated[_plain(args[0]), *args[1:]]
    if AnyObject not in args:
        return hint
    union: Any = dict[str, Any]
    for arg in args:
        union = union if arg is AnyObject else union | arg
    return union
