"""Structs derived from structs: the same fields, some of them of another type."""

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import NODEFAULT

NewField = tuple[str, Any] | tuple[str, Any, Any]
"""(name, type) or (name, type, default)."""


def hints_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Attribute -> type, annotations included."""
    return typing.get_type_hints(struct, include_extras=True)


def remade(
    struct: type[msgspec.Struct],
    field: Callable[[Any, Any], NewField],
    more: Sequence[NewField] = (),
    namespace: Mapping[str, Any] | None = None,
) -> type[msgspec.Struct]:
    """A struct of the same name and JSON keys. `field` makes each new field from the old one's `FieldInfo` and type."""
    hints, infos = hints_of(struct), msgspec.structs.fields(struct)
    fields: list[Any] = [*(field(info, hints[info.name]) for info in infos), *more]
    renames = {info.name: info.encode_name for info in infos if info.name != info.encode_name}
    return msgspec.defstruct(
        struct.__name__, fields, rename=renames or None, gc=False, kw_only=True, namespace=dict(namespace or {})
    )


def retyped(struct: type[msgspec.Struct], types: Mapping[str, Any]) -> type[msgspec.Struct]:
    """The same struct, with other types for the named attributes."""

    def field(info: Any, hint: Any) -> NewField:
        hint = types.get(info.name, hint)
        if info.default_factory is not NODEFAULT:
            return info.name, hint, msgspec.field(default_factory=info.default_factory)
        return (info.name, hint) if info.required else (info.name, hint, info.default)

    return remade(struct, field)
