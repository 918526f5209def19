"""Checks a request's body against its format and hands on the records' JSON as it came.

One msgspec decode of the frame, one of the records only to check them; the slice that was checked travels on (08,
"Never encode what you can slice"). Only a body that this refuses pays for a second look.
"""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from gateway import decoding
from gateway.decoding import Decoders
from gateway.rejections import TooLarge
from gateway.repair import Malformed, valid_utf8
from gateway.second_look import MAX_RECORD_BYTES, Faulty, Oversized, SecondLook, any_oversized, refuse_bomb, split
from shared.formats.base import Format
from shared.formats.repair import repaired

TOLD = 20
"""How many dropped records the answer names."""


class _KeyOnly(msgspec.Struct, gc=False):
    api_key: msgspec.Raw = msgspec.Raw()


_decode_any = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode_key = msgspec.json.Decoder(_KeyOnly).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Validated(msgspec.Struct, gc=False):
    """A request's good records, as one JSON array, and what the request said once for all of them."""

    records: bytes | msgspec.Raw
    n: int
    dropped: list[tuple[int, str]] = []
    """(index, reason) of each record that was left out; the reason is `invalid` or `too_large`."""
    service: str = ""
    environment: str = ""
    release: str = ""
    prints_of: list[tuple[str, str]] = []
    """(message, stack trace) of each record that gets a fingerprint."""
    told: Sequence[str] = ()
    """`index:reason` of the first records left out; the reason names the field: `missing_message`, `invalid_level`."""

    @property
    def x_dropped(self) -> str:
        """The text of the header `X-Dropped`; empty where nothing was dropped."""
        return ", ".join(self.told)


class _Unsure(Exception):
    """The fast path can't say."""


_REFUSED = (msgspec.DecodeError, RecursionError, _Unsure)


class Validator:
    """Validates the bodies of one format. Made once a process."""

    def __init__(self, fmt: Format) -> None:
        self._format = fmt
        self._fast = decoding.fast(fmt)
        self._counted = decoding.counted(fmt)
        self._stored = self._fast if fmt.partial else decoding.stored(fmt)
        self._second = SecondLook(fmt)
        self._records_in = fmt.batch
        self._partial_taken = fmt.partial
        self._least, self._most = fmt.min_records, fmt.max_records
        self._take = self._array if fmt.split else self._batch if fmt.frame else self._single

    def key_in(self, body: bytes) -> str | None:
        """The `api_key` of a body, whatever else is wrong with it; None where it has none, or none that is a text.

        Raises `MalformedJson`.
        """
        body = valid_utf8(body)
        try:
            return _key(body)
        except (msgspec.DecodeError, RecursionError):
            pass
        try:
            text = repaired(body)
            _decode_raw(text)  # a body that is no object is told from one that is no JSON
            return _key(text)
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
            raise _Unsure
        if len(body) > MAX_RECORD_BYTES and not decoders.mended:
            raise TooLarge
        if getattr(record, "api_key", msgspec.UNSET) is not msgspec.UNSET:
            body = _without_key(body)
        fingerprinted = self._format.fingerprinted
        prints_of = [fingerprinted(record)] if fingerprinted else []
        return Validated(b"".join((b"[", body, b"]")), 1, prints_of=prints_of)

    def _batch(self, decoders: Decoders, body: bytes) -> Validated:
        frame = decoders.frame(body)
        raw: msgspec.Raw = getattr(frame, self._records_in)
        if self._partial_taken:
            validated = self._partial(decoders, raw, len(body))
        else:
            records = decoders.records(raw)
            if not self._least <= len(records) <= self._most:
                raise _Unsure
            if decoders.fit and not decoders.fit(frame, records):
                raise _Unsure
            if len(body) > MAX_RECORD_BYTES and not decoders.mended and any_oversized(split(raw)):
                raise TooLarge
            validated = Validated(raw, len(records))
        validated.service = frame.service
        validated.environment = "production" if frame.environment is None else frame.environment
        validated.release = frame.release or ""
        return validated

    def _array(self, decoders: Decoders, body: bytes) -> Validated:
        raw = self._format.split(body)  # type: ignore[misc]
        return self._partial(decoders, raw, len(body))

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
        dropped: list[tuple[int, str]] = []
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
            raise TooLarge if self._format.split else _Unsure


def _key(body: bytes) -> str | None:
    raw = bytes(_decode_key(body).api_key)
    value = _decode_any(raw) if raw else None
    return value if isinstance(value, str) else None


def _without_key(body: bytes) -> bytes:
    fields = _decode_fields(body)
    fields.pop("api_key", None)
    return _encode(fields)
