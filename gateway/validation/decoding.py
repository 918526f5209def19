"""The msgspec decoders of one format: how a body is taken apart and checked in one go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from gateway.apis.deeptracer import length
from gateway.validation.contract import node_of
from shared.formats.base import Format, checked

Limits = Mapping[str, int]
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
    """What comes here has been looked at, and is no longer what was sent: its size says nothing."""


def fast(fmt: Format) -> Decoders:
    """What valid bodies nearly always pass.

    Zod's limits count UTF-16 units, msgspec's code points: a text of at most half as many is surely within them.
    """
    return _decoders(_halved(_record(fmt), _limits(fmt, fmt.record)), _halved(fmt.frame, _limits(fmt, fmt.frame)))


def counted(fmt: Format) -> Decoders | None:
    """What takes the longer texts too and has their length counted; None for a format without such limits, and for
    one whose records are judged one by one."""
    of_record, of_frame = _limits(fmt, fmt.record), _limits(fmt, fmt.frame)
    if fmt.partial or not (of_record or of_frame):
        return None

    def fit(frame: Any, records: Iterable[Any]) -> bool:
        return _fits(frame, of_frame) and all(_fits(record, of_record) for record in records)

    return _decoders(_record(fmt), fmt.frame, fit)


def stored(fmt: Format) -> Decoders:
    """The writer's own: what passes them can be stored."""
    return replace(_decoders(fmt.record, fmt.frame), mended=True)


def _decoders(record: Any, frame: Any, fit: Callable[[Any, Iterable[Any]], bool] | None = None) -> Decoders:
    return Decoders(
        record=msgspec.json.Decoder(record).decode,
        records=msgspec.json.Decoder(list[record]).decode,
        frame=msgspec.json.Decoder(frame or msgspec.Raw).decode,
        fit=fit,
    )


def _record(fmt: Format) -> Any:
    """The type that a record is checked with. A record that is the whole body may hold the key, which has to go."""
    record = checked(fmt.record)
    if fmt.frame is not None or fmt.split is not None or "api_key" in record.__struct_fields__:
        return record
    key = ("api_key", msgspec.Raw | UnsetType, UNSET)
    return msgspec.defstruct(record.__name__, [key], bases=(record,), gc=False, kw_only=True)


def _limits(fmt: Format, struct: Any) -> Limits:
    if struct is None or fmt.api != "deeptracer":
        return {}
    return {
        field.attribute: field.node.longest
        for field in node_of(struct).fields
        if field.node.kind == "string" and field.node.longest is not None
    }


def _fits(struct: Any, limits: Limits) -> bool:
    return all(length(getattr(struct, attribute) or "") <= limit for attribute, limit in limits.items())


def _halved(struct: Any, limits: Limits) -> Any:
    """The same struct, its limited texts held to half their limit."""
    if not limits:
        return struct
    fields: list[Any] = []
    for info in msgspec.structs.fields(struct):
        if info.name in limits:
            hint: Any = Annotated[str, msgspec.Meta(max_length=limits[info.name] // 2)]
            fields.append((info.name, hint) if info.required else (info.name, hint | UnsetType, info.default))
    return msgspec.defstruct(struct.__name__, fields, bases=(struct,), gc=False, kw_only=True)
