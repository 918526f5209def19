"""Checks a request's body against its format and hands on the records' JSON as it came.

One msgspec decode of the frame, one of the records only to check them; the slice that was checked travels on (08,
"Never encode what you can slice"). Only a body that this refuses pays for a second look.
"""

from contextlib import suppress
from functools import partial

import msgspec

from gateway.rejections import TooLarge
from gateway.validation import body_key, decoding
from gateway.validation.decoding import Decoders
from gateway.validation.lenient_json import Malformed, valid_utf8
from gateway.validation.mending import (
    MAX_RECORD_BYTES,
    Faulty,
    Oversized,
    SecondLook,
    any_oversized,
    refuse_bomb,
    split,
)
from gateway.validation.one_or_many import OneOrMany
from gateway.validation.parts import TOLD, Unsure, Validated
from shared.formats.base import Format
from shared.formats.lenient_json import repaired
from shared.metrics import DropReason

__all__ = ["TOLD", "Validated", "Validator"]

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_REFUSED = (msgspec.DecodeError, RecursionError, Unsure)


class Validator:
    """Validates the bodies of one format. Made once a process."""

    def __init__(self, fmt: Format) -> None:
        self._format = fmt
        self._fast = decoding.fast(fmt)
        self._counted = decoding.counted(fmt)
        self._stored = self._fast if fmt.partial and not fmt.look else decoding.stored(fmt)
        self._second = SecondLook(fmt)
        self._records_in = fmt.batch
        self._partial_taken = fmt.partial
        self._least, self._most = fmt.min_records, fmt.max_records
        self._take = self._array if fmt.split else self._batch if fmt.frame else self._single
        self._key = body_key.key_of_first if fmt.look or fmt.split else body_key.key_of
        if fmt.look:
            self._take = OneOrMany(fmt.look, fmt.max_records, self._second, partial(self._good, self._fast)).take

    def key_in(self, body: bytes) -> str | None:
        """The `api_key` of a body, whatever else is wrong with it; None where it has none, or none that is a text.

        Of several records the first one's counts. Raises `MalformedJson`.
        """
        body = valid_utf8(body)
        split_up = self._format.split or bytes
        try:
            return self._key(split_up(body))
        except (msgspec.DecodeError, RecursionError):
            pass
        try:
            text = split_up(repaired(body))
            _decode_raw(text)  # a body that is no object is told from one that is no JSON
            return self._key(text)
        except msgspec.ValidationError:
            return None
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._second.malformed(body) from error

    def validate(self, body: bytes) -> Validated:
        """The good records of a body.

        Raises:
            MalformedJson, InvalidBody: the request is refused as a whole.
            TooLarge: a record is over the limit, and the format takes all or nothing.
        """
        body = valid_utf8(body)
        try:
            return self._looked_at(body)
        except Malformed as error:
            raise self._second.malformed(body) from error

    def _looked_at(self, body: bytes) -> Validated:
        """As `validate`. Raises `Malformed` for what is no JSON."""
        try:
            return self._take(self._fast, body)
        except _REFUSED:
            pass
        if self._format.split is not None:
            raise Malformed("no JSON that this format can split into records")
        if self._counted is not None:
            with suppress(*_REFUSED):
                return self._take(self._counted, body)
        try:
            return self._take(self._stored, self._second.body(body))
        except RecursionError as error:
            raise Malformed("nested too deeply") from error

    def _single(self, decoders: Decoders, body: bytes) -> Validated:
        record = decoders.record(body)
        if decoders.fit and not decoders.fit(None, [record]):
            raise Unsure
        if len(body) > MAX_RECORD_BYTES and not decoders.mended:
            raise TooLarge
        if getattr(record, "api_key", msgspec.UNSET) is not msgspec.UNSET:
            body = body_key.without_key(body)
        fingerprinted = self._format.fingerprinted
        if fingerprinted is None:
            return Validated(b"".join((b"[", body, b"]")), 1)
        return Validated(b"".join((b"[", body, b"]")), 1, prints_of=[fingerprinted(record)], event_ids=("",))

    def _batch(self, decoders: Decoders, body: bytes) -> Validated:
        frame = decoders.frame(body)
        raw: msgspec.Raw = getattr(frame, self._records_in)
        if self._partial_taken:
            validated = self._partial(decoders, raw, len(body))
        else:
            records = decoders.records(raw)
            if not self._least <= len(records) <= self._most:
                raise Unsure
            if decoders.fit and not decoders.fit(frame, records):
                raise Unsure
            if len(body) > MAX_RECORD_BYTES and not decoders.mended and any_oversized(split(raw)):
                raise TooLarge
            validated = Validated(raw, len(records))
        validated.service = frame.service
        validated.environment = "production" if frame.environment is None else frame.environment
        validated.release = frame.release or ""
        return validated

    def _array(self, decoders: Decoders, body: bytes) -> Validated:
        raw = self._format.split(body)  # type: ignore[misc]
        validated = self._partial(decoders, raw, len(body))
        validated.records = body_key.without_keys(validated.records)
        return validated

    def _partial(self, decoders: Decoders, raw: msgspec.Raw, size: int) -> Validated:
        """The records that are good, however many."""
        try:
            n = len(decoders.records(raw))
        except msgspec.ValidationError:
            refuse_bomb(bytes(raw))
            return self._sorted_out(decoders, split(raw))
        self._check_count(n)
        if size > MAX_RECORD_BYTES and any_oversized(split(raw)):
            return self._sorted_out(decoders, split(raw))
        return Validated(raw, n)

    def _sorted_out(self, decoders: Decoders, records: list[bytes]) -> Validated:
        """The slow way: each record by itself, the bad ones left out."""
        self._check_count(len(records))
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
        return Validated(b"".join((b"[", b",".join(good), b"]")), len(good), dropped, told=told)

    def _good(self, decoders: Decoders, text: bytes) -> bytes:
        """A record's JSON as the writer's struct takes it. Raises `Faulty`."""
        if len(text) > MAX_RECORD_BYTES:
            raise Oversized("too_large")
        try:
            decoders.record(text)
        except msgspec.ValidationError:
            return self._second.record(text)
        return text

    def _check_count(self, n: int) -> None:
        if not self._least <= n <= self._most:
            raise TooLarge if self._format.split else Unsure
