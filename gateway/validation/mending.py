"""The second look at a body that the fast path refused: its faults are listed, or, where the contract has none, it is
made into JSON that the writer's structs take (03, "What is valid").
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Protocol

import msgspec

from gateway.apis import deeptracer as zod
from gateway.apis import proliferate as fastapi
from gateway.rejections import InvalidBody, MalformedJson, TooLarge
from gateway.validation.contract import body_node, many_node, record_node
from gateway.validation.faults import Fault, Walker
from gateway.validation.lenient_json import parsed
from shared.formats.base import Api, Format
from shared.metrics import DropReason

MAX_RECORD_BYTES = 512_000
"""Largest record, bytes of raw JSON (03, "Bodies")."""

MAX_VALUES = 2_000_000
"""Most JSON values in a body: Python objects take far more memory than their JSON. No log batch comes near it."""

MAX_FAULTS = 20_000
"""Most faults listed. 1,000 logs with every field wrong have fewer."""

Fields = dict[str, msgspec.Raw]

_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_records = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Words(Protocol):
    """How an API tells what is wrong with a body."""

    def length(self, text: str, /) -> int: ...

    def error(self, faults: Iterable[Fault], /) -> Any: ...

    def malformed(self, body: bytes, /) -> Any: ...


_WORDS: dict[Api, Words] = {"deeptracer": zod, "proliferate": fastapi}


class Faulty(Exception):
    """A record that breaks its contract; the text says how in one word, for `X-Dropped`, and never quotes it."""

    reason: DropReason = "invalid"


class Oversized(Faulty):
    """A record over the limit."""

    reason = "too_large"


def any_oversized(records: Iterable[bytes]) -> bool:
    """Whether a record is over the limit."""
    return any(len(record) > MAX_RECORD_BYTES for record in records)


def refuse_bomb(text: bytes) -> None:
    """Raise `TooLarge` for JSON whose values would fill the memory."""
    if len(text) > MAX_VALUES and text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_VALUES:
        raise TooLarge


def split(records: bytes | msgspec.Raw) -> list[bytes]:
    """The JSON texts of an array."""
    return [bytes(record) for record in _decode_records(records)]


class SecondLook:
    """Looks at the bodies of one format. Its methods raise `Malformed` for what is no JSON."""

    def __init__(self, fmt: Format) -> None:
        self._format = fmt
        self._body = body_node(fmt)
        self._record = record_node(fmt)
        self._many = many_node(fmt) if fmt.look else None
        self._batch = next((field.name for field in self._body.fields if field.attribute == fmt.batch), "")
        self._words = _WORDS[fmt.api]
        self._walker = Walker(self._words.length)
        self._store = msgspec.json.Decoder(fmt.record).decode

    def malformed(self, body: bytes) -> MalformedJson:
        """The refusal of a body that is no JSON."""
        return MalformedJson(self._words.malformed(body))

    def lacking(self, text: bytes, name: str) -> InvalidBody:
        """The refusal of a record that lacks a field which its struct lets be absent."""
        fault = Fault((name,), "missing", self._record, parsed(text)[1])
        return InvalidBody(self._words.error([fault]))

    def body(self, body: bytes) -> bytes:
        """A whole body as the writer's structs take it, without its key. Records of a partial format stay as they are.

        Raises:
            TooLarge: a record is over its limit, or there are too many values.
            InvalidBody: it has faults.
        """
        refuse_bomb(body)
        text, value = parsed(body)
        fields = _decode_fields(text) if isinstance(value, dict) else {}
        records = self._records(text, fields, value)
        if any_oversized(records):
            raise TooLarge
        node = self._many if self._many and isinstance(value, list) else self._body
        faults = list(islice(self._walker.faults(node, value), MAX_FAULTS))
        if faults:
            raise InvalidBody(self._words.error(faults))
        if node is self._many:
            return text
        fields.pop("api_key", None)
        if not self._batch:
            return self._mended(fields, value)
        if not self._format.partial:
            values = zip(map(_decode_fields, records), value[self._batch], strict=True)
            mended = [self._mended(*each) for each in values]
            fields[self._batch] = msgspec.Raw(b"[%b]" % b",".join(mended))
        return _encode(fields)

    def record(self, text: bytes) -> bytes:
        """One record as the writer's struct takes it. Raises `Faulty`."""
        if not text.startswith(b"{"):
            raise Faulty("not_an_object")
        text, value = parsed(text)
        for fault in self._walker.faults(self._record, value):
            raise Faulty(_reason(fault))
        return self._mended(_decode_fields(text), value)

    def _records(self, text: bytes, fields: Fields, value: Any) -> list[bytes]:
        """The records that stand or fall together, where their number is within the limit."""
        if not self._batch:
            return [] if self._many else [text]
        batch = value.get(self._batch) if isinstance(value, dict) else None
        if self._format.partial or not isinstance(batch, list) or len(batch) > self._format.max_records:
            return []
        return split(fields[self._batch])

    def _mended(self, fields: Fields, value: dict[str, Any]) -> bytes:
        """A record without faults: what its struct would refuse is replaced, all else is left as it was sent."""
        for field in self._record.fields:
            if field.name in value:
                sent = value[field.name]
                mended = self._walker.mended(field.node, sent)
                if mended is not sent:
                    fields[field.name] = msgspec.Raw(_encode(mended))
        text = _encode(fields)
        self._store(text)  # if this raises, contract and struct differ in a way that nobody thought of: a bug of ours
        return text


def _reason(fault: Fault) -> str:
    field = fault.path[0]
    return f"missing_{field}" if fault.rule == "missing" and len(fault.path) == 1 else f"invalid_{field}"
