"""Checks a request's body against its format and hands on the records' JSON as it came.

One msgspec decode of the frame, one of the records only to check them; the slice that was checked travels on (08, "Never
encode what you can slice"). Only a request with a refused record pays for splitting.
"""

import re
from typing import Any

import msgspec

from gateway.rejections import InvalidBody, MalformedJson, TooLarge
from gateway.repair import Malformed, repaired, valid_utf8
from shared.formats.base import Format, Refused, checked

MAX_RECORD_BYTES = 512_000
"""Largest record, bytes of raw JSON (03, "Bodies")."""

_decode_any = msgspec.json.Decoder().decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_PATH_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class Validated(msgspec.Struct, gc=False):
    """A request's good records, as one JSON array, and what the request said once for all of them."""

    records: bytes | msgspec.Raw
    n: int
    dropped: list[tuple[int, str]] = []
    """(index, reason) of each record that was left out."""
    service: str = ""
    environment: str = ""
    release: str = ""
    prints_of: list[tuple[str, str]] = []
    """(message, stack trace) of each record that gets a fingerprint."""


class _KeyOnly(msgspec.Struct, gc=False):
    api_key: msgspec.Raw = msgspec.Raw()


class Validator:
    """Validates the bodies of one format. Made once a process."""

    def __init__(self, fmt: Format) -> None:
        self._format = fmt
        record = checked(fmt.record)
        self._decode_record = msgspec.json.Decoder(record).decode
        self._decode_records = msgspec.json.Decoder(list[record]).decode
        self._decode_frame = msgspec.json.Decoder(fmt.frame).decode if fmt.frame else None
        self._decode_key = msgspec.json.Decoder(_KeyOnly).decode

    def key_in(self, body: bytes) -> str | None:
        """The `api_key` of a body, whatever else is wrong with it; None where it has none, or none that is a text.

        Raises `MalformedJson`.
        """
        try:
            raw = bytes(self._well_formed(self._decode_key, body).api_key)
        except msgspec.ValidationError:
            return None
        value = _decode_any(raw) if raw else None
        return value if isinstance(value, str) else None

    def validate(self, body: bytes) -> Validated:
        """The good records of a body.

        Raises:
            MalformedJson, InvalidBody: the request is refused as a whole.
            TooLarge: a record is over the limit, and the format takes all or nothing.
        """
        body = valid_utf8(body)
        if self._format.split is not None:
            return self._validate_split(body, self._format.split)
        try:
            return self._batch(body) if self._decode_frame else self._single(body)
        except msgspec.ValidationError as error:
            raise _invalid(error) from error
        except (msgspec.DecodeError, RecursionError):
            pass
        try:
            body = repaired(body)
            return self._batch(body) if self._decode_frame else self._single(body)
        except msgspec.ValidationError as error:
            raise _invalid(error) from error
        except (Malformed, msgspec.DecodeError, RecursionError) as error:
            raise MalformedJson from error

    def _well_formed(self, decode: Any, body: bytes) -> Any:
        """Decode, with the second look where it is no JSON for msgspec. Raises MalformedJson, msgspec.ValidationError."""
        try:
            return decode(body)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            try:
                return decode(repaired(valid_utf8(body)))
            except (Malformed, RecursionError) as error:
                raise MalformedJson from error

    def _single(self, body: bytes) -> Validated:
        record = self._decode_record(body)
        if len(body) > MAX_RECORD_BYTES:
            raise TooLarge
        if getattr(record, "api_key", msgspec.UNSET) is not msgspec.UNSET:
            body = _without_key(body)
        fingerprinted = self._format.fingerprinted
        prints_of = [fingerprinted(record)] if fingerprinted else []
        return Validated(b"".join((b"[", body, b"]")), 1, prints_of=prints_of)

    def _batch(self, body: bytes) -> Validated:
        assert self._decode_frame is not None
        frame = self._decode_frame(body)
        fmt = self._format
        raw: msgspec.Raw = getattr(frame, fmt.batch)
        if fmt.partial:
            validated = self._partial(raw)
        else:
            n = len(self._decode_records(raw))
            validated = Validated(raw, n)
            if len(body) > MAX_RECORD_BYTES and any(len(bytes(record)) > MAX_RECORD_BYTES for record in _split(raw)):
                raise TooLarge
        self._check_count(validated.n + len(validated.dropped))
        validated.service = frame.service
        validated.environment = frame.environment or "production"
        validated.release = frame.release or ""
        return validated

    def _validate_split(self, body: bytes, split: Any) -> Validated:
        try:
            return self._partial(split(body))
        except (msgspec.DecodeError, RecursionError):
            pass
        try:
            return self._partial(split(repaired(body)))
        except (Malformed, msgspec.DecodeError, RecursionError) as error:
            raise MalformedJson from error

    def _partial(self, raw: msgspec.Raw) -> Validated:
        try:
            records = self._decode_records(raw)
        except msgspec.ValidationError:
            return self._sorted_out(_split(raw))
        if len(bytes(raw)) > MAX_RECORD_BYTES:
            return self._sorted_out(_split(raw))
        return Validated(raw, len(records))

    def _sorted_out(self, records: list[msgspec.Raw]) -> Validated:
        """The slow way: each record by itself, the bad ones left out."""
        good: list[bytes] = []
        dropped: list[tuple[int, str]] = []
        for index, raw in enumerate(records):
            text = bytes(raw)
            if len(text) > MAX_RECORD_BYTES:
                dropped.append((index, "too_large"))
                continue
            try:
                good.append(self._good(text))
            except (msgspec.ValidationError, Refused):
                dropped.append((index, "invalid"))
        return Validated(b"".join((b"[", b",".join(good), b"]")), len(good), dropped)

    def _good(self, text: bytes) -> bytes:
        """A record's JSON as the writer will take it. Raises msgspec.ValidationError, Refused."""
        try:
            self._decode_record(text)
        except msgspec.ValidationError:
            if self._format.normalise is None:
                raise
            text = _encode(self._format.normalise(_decode_any(text)))
            self._decode_record(text)
        return text

    def _check_count(self, n: int) -> None:
        fmt = self._format
        if n < fmt.min_records:
            raise InvalidBody([fmt.batch], f"Array must contain at least {fmt.min_records} element(s)", "too_small")
        if n > fmt.max_records:
            raise InvalidBody([fmt.batch], f"Array must contain at most {fmt.max_records} element(s)", "too_big")


def _without_key(body: bytes) -> bytes:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    fields.pop("api_key", None)
    return _encode(fields)


def _invalid(error: msgspec.ValidationError) -> InvalidBody:
    """What msgspec says of the first field that it refused: its path and a sentence."""
    text, _, where = str(error).partition(" - at ")
    path: list[str | int] = []
    for key, index in _PATH_STEP.findall(where):
        if key:
            path.append(key.rstrip("`"))
        elif index.isdigit():
            path.append(int(index))
    if missing := re.search(r"missing required field `(.+)`", text):
        return InvalidBody([*path, missing[1]], "Required", "invalid_type")
    return InvalidBody(path, text, "invalid_type")
