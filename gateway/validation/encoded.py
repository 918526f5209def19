"""Bodies that only their format's codec can read."""

from collections import Counter
from collections.abc import Iterable, Sized
from typing import Any

from gateway.apis.base import Api
from gateway.rejections import MalformedJson, TooLarge
from gateway.validation.parts import TOLD, Opened, Part
from gateway.validation.sizes import MAX_RECORD_BYTES, Heavy
from shared.envelope import Undecodable
from shared.formats.base import Format
from shared.formats.intake import Encoded
from shared.formats.lenient_json import is_repairable, repaired


class EncodedValidator:
    """A `Validator` of the shape `Encoded`. It finds no key in a body, which is JSON only if the codec says so."""

    def __init__(self, fmt: Format, body: Encoded, api: Api, slow_bytes: float) -> None:
        self._format = fmt
        self._codec = fmt.codec
        self._body = body
        self._api = api
        self._slow_bytes = slow_bytes
        self._is_json = fmt.codec.media_type == "application/json"

    def looks_too_deep(self, text: bytes) -> bool:
        return False  # how deep records may go is the codec's own limit

    def opened(self, text: bytes) -> Opened:
        return Opened(text)

    def key_in(self, opened: Opened) -> str | None:
        return None

    def validate(self, opened: Opened) -> Part:
        text = opened.text
        try:
            return self._part(text)
        except Undecodable as error:
            if not self._is_json or not is_repairable(text):
                raise MalformedJson(self._api.malformed(text)) from error
        return self._mended(text)

    def _mended(self, text: bytes) -> Part:
        """The slow way, for JSON that JavaScript accepts."""
        if len(text) > self._slow_bytes:
            raise Heavy
        try:
            return self._part(repaired(text))
        except Undecodable as error:
            raise MalformedJson(self._api.malformed(text)) from error

    def _part(self, text: bytes) -> Part:
        """Raises `Undecodable`, `TooLarge`."""
        n, faults = self._judged(text)
        if n < self._body.least:
            raise TooLarge
        return self._without(text, n, faults) if faults else Part(self._format, text, n)

    def _judged(self, text: bytes) -> tuple[int, dict[int, str]]:
        """How many records there are, and index -> fault of the bad ones. Raises `Undecodable`, and `TooLarge` at the
        first one too many."""
        n, faults = self._looked_through(self._codec.look(text))
        if len(text) > MAX_RECORD_BYTES:  # no record of a smaller body is larger
            sizes = enumerate(self._codec.sizes(text))
            faults |= {index: "too_large" for index, size in sizes if size > MAX_RECORD_BYTES}
        return n, faults

    def _looked_through(self, records: Iterable[Any]) -> tuple[int, dict[int, str]]:
        body = self._body
        if isinstance(records, Sized) and (body.judge is None or (body.all_good and body.all_good(records))):
            if len(records) > body.most:
                raise TooLarge
            return len(records), {}
        n = 0
        faults: dict[int, str] = {}
        for record in records:
            if body.judge is not None and (fault := body.judge(record)):
                faults[n] = fault
            n += 1
            if n > body.most:
                raise TooLarge
        return n, faults

    def _without(self, text: bytes, n: int, faults: dict[int, str]) -> Part:
        """The part of the good records."""
        good = [index for index in range(n) if index not in faults]
        bad = sorted(faults.items())
        return Part(
            self._format,
            self._codec.keep(text, good),
            len(good),
            [(index, "too_large" if fault == "too_large" else self._body.dropped_as) for index, fault in bad],
            reasons=Counter(faults.values()),
            told=[f"{index}:{fault}" for index, fault in bad[:TOLD]],
        )
