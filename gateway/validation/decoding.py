"""The msgspec decoders of one shape of body: how it is taken apart and checked in one go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from gateway.apis.base import Api
from gateway.validation.contract import checked, is_struct, node_of
from shared.formats.intake import Array, Batch, One, OneOrMany

JsonBody = One | Batch | Array | OneOrMany

TextLimits = Mapping[str, int]
"""Attribute of a struct -> how many UTF-16 units its text may have."""


@dataclass(frozen=True)
class Decoders:
    """Decoders of one record, of an array of records, and of the frame around it."""

    record: Callable[[bytes], Any]
    records: Callable[[bytes | msgspec.Raw], list[Any]]
    frame: Callable[[bytes], Any]
    fit: Callable[[Any, Iterable[Any]], bool] | None = None
    """Whether a frame and its records keep the limits that msgspec can't check; None where there are none."""
    mended: bool = False
    """What comes here was mended, and is no longer what was sent: its size says nothing."""


def fast(record: Any, body: JsonBody, api: Api) -> Decoders:
    """What valid bodies nearly always pass. An `api_key` is let out of the frame, or out of a record that is the body.

    Where an API's limits count UTF-16 units, msgspec counts code points: a text of at most half as many is surely
    within them.
    """
    frame, of_record, of_frame = _frame(body), _limits(record, api), _limits(_frame(body), api)
    kept = checked(record)
    if isinstance(body, One | OneOrMany):
        kept = _with_key(kept)
    return _decoders(_halved(kept, of_record), _halved(frame and _with_key(frame), of_frame))


def counted(record: Any, body: JsonBody, api: Api) -> Decoders | None:
    """What takes the longer texts too and has their length counted; None where nothing has such limits, and for
    records that are judged one by one."""
    frame, of_record, of_frame = _frame(body), _limits(record, api), _limits(_frame(body), api)
    if body.partial or not (of_record or of_frame):
        return None

    def fit(frame: Any, records: Iterable[Any]) -> bool:
        return _fits(frame, of_frame, api) and all(_fits(record, of_record, api) for record in records)

    kept = _with_key(checked(record)) if isinstance(body, One | OneOrMany) else checked(record)
    return _decoders(kept, frame, fit)


def stored(record: Any, body: JsonBody) -> Decoders:
    """The writer's own: what passes them can be stored."""
    return replace(_decoders(record, _frame(body)), mended=True)


def _decoders(record: Any, frame: Any, fit: Callable[[Any, Iterable[Any]], bool] | None = None) -> Decoders:
    return Decoders(
        record=msgspec.json.Decoder(record).decode,
        records=msgspec.json.Decoder(list[record]).decode,
        frame=msgspec.json.Decoder(frame or msgspec.Raw).decode,
        fit=fit,
    )


def _frame(body: JsonBody) -> type[msgspec.Struct] | None:
    return body.frame if isinstance(body, Batch) else None


def _with_key(struct: Any) -> Any:
    """The same struct, which may hold the key: it authenticates the request, and has to go."""
    if "api_key" in struct.__struct_fields__:
        return struct
    key = ("api_key", msgspec.Raw | UnsetType, UNSET)
    return msgspec.defstruct(struct.__name__, [key], bases=(struct,), gc=False, kw_only=True)


def _limits(struct: Any, api: Api) -> TextLimits:
    if struct is None or not api.utf16_lengths or not is_struct(struct):
        return {}
    return {
        field.attribute: field.node.longest
        for field in node_of(struct).fields
        if field.node.kind == "string" and field.node.longest is not None
    }


def _fits(struct: Any, limits: TextLimits, api: Api) -> bool:
    return all(api.length(getattr(struct, attribute) or "") <= limit for attribute, limit in limits.items())


def _halved(struct: Any, limits: TextLimits) -> Any:
    """The same struct, its limited texts held to half their limit."""
    if not limits:
        return struct
    fields: list[Any] = []
    for info in msgspec.structs.fields(struct):
        if info.name in limits:
            hint: Any = Annotated[str, msgspec.Meta(max_length=limits[info.name] // 2)]
            fields.append((info.name, hint) if info.required else (info.name, hint | UnsetType, info.default))
    return msgspec.defstruct(struct.__name__, fields, bases=(struct,), gc=False, kw_only=True)
