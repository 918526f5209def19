"""What the bodies of an intake must be, by media type."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.openapi.schemas import Components, Json, described
from shared.formats.base import Format
from shared.formats.intake import Array, Batch, Body, Encoded, Intake, OneOrMany, Picked
from shared.registry import Registry

_BINARY = {"type": "string", "contentEncoding": "binary"}
_JSON = "application/json"


def content_of(intake: Intake, registry: Registry, components: Components) -> Json:
    """Media type -> schema and examples."""
    content: Json = {}
    if any(isinstance(body, Picked) for body in intake.bodies.values()):
        return dict.fromkeys(intake.media_types, _picked(intake))
    for name, body in intake.bodies.items():
        fmt = registry.formats[name]
        content.setdefault(fmt.codec.media_type, {"schema": body_schema(fmt, body, components)})
    shown = content.get(_JSON) or next(iter(content.values()))
    shown["examples"] = values_of({name: each for name, each in intake.examples.items() if not _is_binary(each)})
    for media_type in intake.media_types:
        content[media_type] = _lines(intake)
    return content


def body_schema(fmt: Format, body: Body, components: Components) -> Json:
    """What a body of a format must be for all of it to be stored."""
    if isinstance(body, Encoded):
        return {"type": "object"} if fmt.codec.media_type == _JSON else _BINARY
    record = fmt.codec.record  # type: ignore[attr-defined]
    if isinstance(body, Batch):
        return components.schema(described(body.whole(described(record), _judged(body)), has_key=True), name_of(fmt))
    one = components.schema(described(record, has_key=True), name_of(fmt))
    if isinstance(body, Array | OneOrMany):
        many = {"type": "array", "items": one, "maxItems": body.most, "description": _judged(body)}
        return {"anyOf": [one, many]}
    return one


def name_of(fmt: Format) -> str:
    """`DeeptracerLogs` of `deeptracer.logs`."""
    return "".join(part.capitalize() for part in fmt.name.replace("_", ".").replace("-", ".").split("."))


def values_of(examples: Mapping[str, Any]) -> Json:
    return {name: {"value": value} for name, value in examples.items()}


def _judged(body: Body) -> str:
    if body.partial:
        return "Each is judged by itself: one that does not validate is dropped and counted, the others are stored."
    return "All are stored, or the request is refused."


def _lines(intake: Intake) -> Json:
    lines = {
        name: "".join(msgspec.json.encode(entry).decode() + "\n" for entry in body)
        for name, body in intake.examples.items()
        if isinstance(body, list)
    }
    description = "One JSON object per line; any other line is dropped and counted."
    return {"schema": {"type": "string", "description": description}, "examples": values_of(lines)}


def _picked(intake: Intake) -> Json:
    """Of bodies whose records are picked out: an object, or text with lines of JSON."""
    shown = {name: each.decode() if isinstance(each, bytes) else each for name, each in intake.examples.items()}
    kind = "string" if any(isinstance(each, str) for each in shown.values()) else "object"
    return {"schema": {"type": kind}, "examples": values_of(shown)}


def _is_binary(example: Any) -> bool:
    return isinstance(example, bytes)
