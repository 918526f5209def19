"""Bodies with an array of records: in a frame, all or nothing or only the good ones, and bare."""

from contextlib import suppress
from math import inf, nan
from typing import Any

import msgspec

from gateway.apis.base import Api
from gateway.rejections import TooLarge
from gateway.validation import body_key
from gateway.validation.contract import batch_node, name_of
from gateway.validation.decoding import Decoders
from gateway.validation.json_bodies import JsonValidator
from gateway.validation.lenient_json import parsed
from gateway.validation.parts import TOLD, Opened, Part, Unsure
from gateway.validation.sizes import MANY, MAX_RECORD_BYTES, Faulty, Heavy, Oversized, any_oversized, refuse_bomb, split
from shared.formats.base import Format
from shared.formats.intake import Array, Batch, Malformed
from shared.formats.named_numbers import is_held
from shared.metrics import DropReason

_encode = msgspec.json.Encoder().encode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode


class _Judging(JsonValidator):
    """Takes the good records of an array, and reports the others."""

    _least: int
    _most: int

    def _partial(self, decoders: Decoders, raw: msgspec.Raw | bytes, size: int, n: int | None = None) -> Part:
        """The good records, however few. `size`: bytes of the body around them; `n` of them, if all are known to be
        good."""
        try:
            n = len(decoders.records(raw)) if n is None else n
        except msgspec.ValidationError:
            refuse_bomb(bytes(raw))
            return self._sorted_out(decoders, split(raw))
        self._check_count(n)
        if size > MAX_RECORD_BYTES and any_oversized(records := split(raw)):
            return self._sorted_out(decoders, records)
        return Part(self._format, raw, n)

    def _sorted_out(self, decoders: Decoders, records: list[bytes]) -> Part:
        """The slow way: each record by itself, the bad ones left out."""
        self._check_count(len(records))
        if len(records) > MANY and self.slow_bytes < inf:
            raise Heavy
        good: list[bytes] = []
        dropped: list[tuple[int, DropReason]] = []
        told: list[str] = []
        for index, text in enumerate(records):
            try:
                good.append(self._good(decoders, text))
            except Faulty as fault:
                dropped.append((index, fault.reason))
                if len(told) < TOLD:
                    told.append(f"{index}:{fault}")
        return Part(self._format, b"[%b]" % b",".join(good), len(good), dropped, told=told)

    def _good(self, decoders: Decoders, text: bytes) -> bytes:
        """A record's JSON as the writer's struct accepts it. Raises `Faulty`."""
        if len(text) > MAX_RECORD_BYTES:
            raise Oversized("too_large")
        try:
            decoders.record(text)
        except msgspec.ValidationError:
            return self._mending.mended_record(text)
        return text

    def _check_count(self, n: int) -> None:
        if not self._least <= n <= self._most:
            raise Unsure


class BatchValidator(_Judging):
    """A `Validator` of the shape `Batch`."""

    _skipped_bytes = 4_000
    """Records that are skipped as fast as the frame is decoded around them."""

    def __init__(self, fmt: Format, body: Batch, api: Api) -> None:
        super().__init__(fmt, body, api)
        self._records_in = body.records
        self._least, self._most = body.least, body.most
        self._node = batch_node(body, fmt.codec.record)  # type: ignore[attr-defined]
        self._name = name_of(body.frame, body.records)
        self._unnamed = _service_by_default(body.frame)
        self._is_partial = body.partial
        if body.partial:
            self._stored = self._fast  # its records are mended one by one

    def _opened(self, text: bytes, decoders: Decoders) -> Opened:
        """The frame is decoded without its records, and they by themselves: skipping them costs half as much as
        decoding them.

        Exact: what stands between the first `[` and the last `]` is decoded as an array, and the frame around it, with
        `[]` in its place, must have just that as its records. All else is decoded in one piece.
        """
        begin, end = text.find(b"["), text.rfind(b"]") + 1
        if 0 <= begin < end - self._skipped_bytes:
            raw = msgspec.Raw(memoryview(text)[begin:end])
            with suppress(msgspec.DecodeError, RecursionError):
                head = decoders.head(b"%b[]%b" % (text[:begin], text[end:]))
                if bytes(getattr(head, self._records_in)) == b"[]":
                    n = _number_of_good(decoders, raw)
                    setattr(head, self._records_in, raw)
                    return Opened(text, head, n)
        return super()._opened(text, decoders)

    def _take(self, decoders: Decoders, opened: Opened) -> Part:
        text, head, n = opened.text, opened.head, opened.n
        raw: msgspec.Raw = getattr(head, self._records_in)
        if self._is_partial:
            part = self._partial(decoders, raw, len(text), n)
        else:
            records = decoders.records(raw) if n is None else range(n)
            if not self._least <= len(records) <= self._most or (decoders.fit and not decoders.fit(head, records)):
                raise Unsure
            if len(text) > MAX_RECORD_BYTES and not decoders.mended and any_oversized(split(raw)):
                raise TooLarge
            part = Part(self._format, raw, len(records))
        part.service = head.service or self._unnamed
        part.environment = head.environment or "production"
        part.release = head.release or ""
        return part

    def _mended_body(self, text: bytes) -> bytes:
        refuse_bomb(text)
        text, value = parsed(text)
        fields = self._mending.fields(text) if isinstance(value, dict) else {}
        if isinstance(value, dict) and is_held(value.get(self._name)):
            value[self._name] = nan
        records = self._standing_together(fields, value)
        if any_oversized(records):
            raise TooLarge
        self._mending.refuse_faults(self._node, value)
        fields.pop("api_key", None)
        if not self._is_partial:
            mended = [self._mending.mended(*each) for each in zip(records, value[self._name], strict=True)]
            fields[self._name] = msgspec.Raw(b"[%b]" % b",".join(mended))
        return _encode(fields)

    def _standing_together(self, fields: dict[str, msgspec.Raw], value: Any) -> list[bytes]:
        """The records of a batch that is stored whole or not at all, if it is within the limit; [] for any other."""
        records = value.get(self._name) if isinstance(value, dict) else None
        if self._is_partial or not isinstance(records, list) or len(records) > self._most:
            return []
        return split(fields[self._name])


def _number_of_good(decoders: Decoders, raw: msgspec.Raw) -> int | None:
    """How many records there are, if all are good; else None. Raises `msgspec.DecodeError` for what is not JSON."""
    try:
        return len(decoders.records(raw))
    except msgspec.ValidationError:
        _decode_raw(raw)
        return None


def _service_by_default(frame: Any) -> str:
    """The service of a request that names none, or names it with an empty text."""
    for info in msgspec.structs.fields(frame):
        if info.name == "service":
            return info.default if isinstance(info.default, str) else ""
    return str(frame.service)  # a class variable: the request has no such field


class ArrayValidator(_Judging):
    """A `Validator` of the shape `Array`."""

    def __init__(self, fmt: Format, body: Array, api: Api) -> None:
        super().__init__(fmt, body, api)
        self._least, self._most = body.least, body.most
        self._key_of = body_key.key_of_first

    def _take(self, decoders: Decoders, opened: Opened) -> Part:
        part = self._partial(decoders, opened.text, len(opened.text))
        part.payload = body_key.without_keys(bytes(part.payload))
        return part

    def _check_count(self, n: int) -> None:
        if not self._least <= n <= self._most:
            raise TooLarge

    def _second_look(self, text: bytes) -> Part:
        raise Malformed("no array of JSON")  # what can be mended was mended record by record

    def _mended_body(self, text: bytes) -> bytes:
        raise NotImplementedError
