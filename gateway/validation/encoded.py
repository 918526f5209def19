"""Bodies that only their format's codec can read."""

from gateway.apis.base import Api
from gateway.rejections import MalformedJson, TooLarge
from gateway.validation.parts import TOLD, Opened, Part
from gateway.validation.sizes import MAX_RECORD_BYTES
from shared.envelope import Undecodable
from shared.formats.base import Format
from shared.formats.intake import Encoded
from shared.metrics import DropReason


class EncodedValidator:
    """A `Validator` of the shape `Encoded`. It assumes neither JSON nor UTF-8, and finds no key in a body."""

    def __init__(self, fmt: Format, body: Encoded, api: Api) -> None:
        self._format = fmt
        self._body = body
        self._api = api

    def looks_too_deep(self, text: bytes) -> bool:
        return False  # how deep records may go is the codec's own limit

    def opened(self, text: bytes) -> Opened:
        return Opened(text)

    def key_in(self, opened: Opened) -> str | None:
        return None

    def validate(self, opened: Opened) -> Part:
        text = opened.text
        try:
            records = self._format.codec.read(text)
            # No record is larger than its body: the sizes in a small one don't matter.
            sizes = self._format.codec.sizes(text) if len(text) > MAX_RECORD_BYTES else [0] * len(records)
        except Undecodable as error:
            raise MalformedJson(self._api.malformed(text)) from error
        if not self._body.least <= len(records) <= self._body.most:
            raise TooLarge
        dropped: list[tuple[int, DropReason]] = []
        told: list[str] = []
        for index, (record, size) in enumerate(zip(records, sizes, strict=True)):
            fault = "too_large" if size > MAX_RECORD_BYTES else self._body.judge(record)
            if fault:
                dropped.append((index, "too_large" if size > MAX_RECORD_BYTES else "invalid"))
                told.append(f"{index}:{fault}")
        if not dropped:
            return Part(self._format, text, len(records))
        bad = {index for index, _ in dropped}
        good = [index for index in range(len(records)) if index not in bad]
        return Part(self._format, self._format.codec.keep(text, good), len(good), dropped, told=told[:TOLD])
