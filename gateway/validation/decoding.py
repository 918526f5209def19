"""The msgspec decoders of one shape of body: they take it apart and check it in one go."""

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
    """Decoders of one record, of an array of records, and `head`, the first one that a body gets.

    `head` returns the frame, or the record that is the body; the text itself if decoding it early gains nothing.
    """

    record: Callable[[bytes], Any]
    records: Callable[[bytes | msgspec.Raw], list[Any]]
    head: Callable[[bytes], Any]
    fit: Callable[[Any, Iterable[Any]], bool] | None = None
    """Whether a frame and its records keep the limits that msgspec can't check; None if there are no such limits."""
    mended: bool = False
    """Their input was mended and is no longer what was sent, so its size says nothing."""


def fast(record: Any, body: JsonBody, api: Api) -> Decoders:
    """The decoders that nearly all valid bodies pass. The frame, or a record that is the body, may hold an `api_key`.

    msgspec counts code points. Where an API's limits count UTF-16 units, a text of at most half as many code points is
    surely within them, so texts are held to that here.
    """
    frame, of_record, of_frame = _frame(body), _limits(record, api), _limits(_frame(body), api)
    kept = checked(record)
    if isinstance(body, One | OneOrMany):
        kept = _with_key(kept)
    return _decoders(body, _halved(kept, of_record), _halved(frame and _with_key(frame), of_frame))


def counted(record: Any, body: JsonBody, api: Api) -> Decoders | None:
    """Decoders that take the longer texts too and have their length counted; None if nothing has such limits, and for
    records that are judged one by one."""
    frame, of_record, of_frame = _frame(body), _limits(record, api), _limits(_frame(body), api)
    if body.partial or not (of_record or of_frame):
        return None

    def fit(frame: Any, records: Iterable[Any]) -> bool:
        return _fits(frame, of_frame, api) and all(_fits(record, of_record, api) for record in records)

    kept = _with_key(checked(record)) if isinstance(body, One | OneOrMany) else checked(record)
    return _decoders(body, kept, frame, fit)


def stored(record: Any, body: JsonBody) -> Decoders:
    """The writer's own decoders: what passes them can be stored."""
    return replace(_decoders(body, record, _frame(body)), mended=True)


def _decoders(
    body: JsonBody, record: Any, frame: Any, fit: Callable[[Any, Iterable[Any]], bool] | None = None
) -> Decoders:
    of_record = msgspec.json.Decoder(record).decode
    head: Callable[[bytes], Any] = of_record if isinstance(body, One) else bytes
    return Decoders(
        record=of_record,
        records=msgspec.json.Decoder(list[record]).decode,
        head=head if frame is None else msgspec.json.Decoder(frame).decode,
        fit=fit,
    )


def _frame(body: JsonBody) -> type[msgspec.Struct] | None:
    return body.frame if isinstance(body, Batch) else None


def _with_key(struct: Any) -> Any:
    """The same struct, which may hold the key: that authenticates the request, and is never sent on."""
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
    """The same struct, with its limited texts held to half their limit."""
    if not limits:
        return struct
    fields: list[Any] = []
    for info in msgspec.structs.fields(struct):
        if info.name in limits:
            hint: Any = Annotated[str, msgspec.Meta(max_length=limits[info.name] // 2)]
            fields.append((info.name, hint) if info.required else (info.name, hint | UnsetType, info.default))
    return msgspec.defstruct(struct.__name__, fields, bases=(struct,), gc=False, kw_only=True)
