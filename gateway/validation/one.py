"""Bodies that are a single record."""

import msgspec

from gateway.apis.base import Api
from gateway.rejections import TooLarge
from gateway.validation import body_key
from gateway.validation.decoding import Decoders
from gateway.validation.json_bodies import JsonValidator
from gateway.validation.lenient_json import parsed
from gateway.validation.parts import Opened, Part, Unsure
from gateway.validation.sizes import MAX_RECORD_BYTES, refuse_bomb
from shared.formats.base import Format
from shared.formats.intake import One


class OneValidator(JsonValidator):
    """A `Validator` of the shape `One`."""

    def __init__(self, fmt: Format, body: One, api: Api) -> None:
        super().__init__(fmt, body, api)
        self._fingerprinted = body.fingerprinted

    def _take(self, decoders: Decoders, opened: Opened) -> Part:
        text, head = opened.text, opened.head
        if decoders.fit and not decoders.fit(None, [head]):
            raise Unsure
        if len(text) > MAX_RECORD_BYTES and not decoders.mended:
            raise TooLarge
        if getattr(head, "api_key", msgspec.UNSET) is not msgspec.UNSET:
            text = body_key.without_key(text)
        payload = b"".join((b"[", text, b"]"))
        if self._fingerprinted is None:
            return Part(self._format, payload, 1)
        return Part(self._format, payload, 1, prints_of=[self._fingerprinted(head)], event_ids=("",))

    def _mended_body(self, text: bytes) -> bytes:
        refuse_bomb(text)
        text, value = parsed(text)
        if len(text) > MAX_RECORD_BYTES:
            raise TooLarge
        self._mending.refuse_faults(self._mending.record_node, value)
        return self._mending.mended_object(text, value)
