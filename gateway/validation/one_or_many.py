"""Bodies that are one record, refused when it is bad, or an array of them, of which the bad ones are dropped
(contracts.md, "`POST /api/v1/errors`")."""

from typing import NamedTuple

import msgspec

from gateway.apis.base import Api
from gateway.validation import body_key
from gateway.validation.contract import node_of
from gateway.validation.decoding import Decoders
from gateway.validation.event_digest import event_digest
from gateway.validation.json_bodies import JsonValidator
from gateway.validation.lenient_json import parsed
from gateway.validation.parts import TOLD, Opened, Part, Unsure
from gateway.validation.sizes import MAX_RECORD_BYTES, Faulty, Oversized, refuse_bomb, split
from shared.formats.base import Format
from shared.formats.intake import OneOrMany, Remarks


class WrongKey(Faulty):
    """An element with another key than the first element that has one: it belongs to somebody else."""

    reason = "wrong_key"


class _Seen(NamedTuple):
    text: bytes
    remarks: Remarks
    place: int | None = None
    """Its index in the array; None for the body itself."""


class OneOrManyValidator(JsonValidator):
    """A `Validator` of the shape `OneOrMany`."""

    def __init__(self, fmt: Format, body: OneOrMany, api: Api) -> None:
        super().__init__(fmt, body, api)
        self._look = body.look
        self._most = body.most
        self._many_node = node_of(body.many)
        self._key_of = body_key.key_of_first

    def _take(self, decoders: Decoders, opened: Opened) -> Part:
        text = opened.text.strip(b" \t\r\n")
        return self._many(text) if text.startswith(b"[") else self._one(decoders, text)

    def _one(self, decoders: Decoders, text: bytes) -> Part:
        if len(text) > MAX_RECORD_BYTES and not decoders.mended:
            refuse_bomb(text)
            parsed(text)  # raises `Malformed`: a body that is not JSON is refused, not dropped
            return self._part([], [(0, Oversized("too_large"))])
        decoders.record(text)
        remarks = self._look(text)
        if remarks.lacks:
            raise self._mending.lacking(text, remarks.lacks)
        return self._part([_Seen(text, remarks)], [])

    def _many(self, text: bytes) -> Part:
        refuse_bomb(text)
        elements = split(text)
        if len(elements) > self._most:
            raise Unsure
        good: list[_Seen] = []
        dropped: list[tuple[int, Faulty]] = []
        first_key = None
        for index, element in enumerate(elements):
            key = body_key.sent_key(element)
            first_key = key if first_key is None else first_key
            try:
                if key is not None and key != first_key:
                    raise WrongKey("another_api_key")
                good.append(self._element(element, index))
            except Faulty as fault:
                dropped.append((index, fault))
        return self._part(good, dropped)

    def _element(self, element: bytes, index: int) -> _Seen:
        if len(element) > MAX_RECORD_BYTES:
            raise Oversized("too_large")
        try:
            self._fast.record(element)
        except msgspec.ValidationError:
            element = self._mending.mended_record(element)
        remarks = self._look(element)
        if remarks.lacks:
            raise Faulty(f"missing_{remarks.lacks}")
        return _Seen(element, remarks, index)

    def _part(self, good: list[_Seen], dropped: list[tuple[int, Faulty]]) -> Part:
        stored = [seen for seen in good if not seen.remarks.is_ping]
        return Part(
            self._format,
            b"[%b]" % b",".join(body_key.without_key(seen.text) for seen in stored),
            len(stored),
            dropped=[(index, fault.reason) for index, fault in dropped],
            told=[f"{index}:{fault}" for index, fault in dropped[:TOLD]],
            event_ids=[seen.remarks.event_id for seen in stored],
            pings=len(good) - len(stored),
            digests=[
                event_digest(seen.remarks.event_id, seen.text) if seen.remarks.event_id else b"" for seen in stored
            ],
            places=[seen.place for seen in stored if seen.place is not None],
        )

    def _mended_body(self, text: bytes) -> bytes:
        refuse_bomb(text)
        text, value = parsed(text)
        if isinstance(value, list):
            self._mending.refuse_faults(self._many_node, value)
            return text
        self._mending.refuse_faults(self._mending.record_node, value)
        return self._mending.mended_object(text, value)
