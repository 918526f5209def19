"""What all shapes of JSON bodies share: the way from the fast decode to the second look, and finding the key."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any

import msgspec

from gateway.apis.base import Api
from gateway.rejections import InvalidBody, MalformedJson, Worded
from gateway.validation import body_key, decoding
from gateway.validation.decoding import Decoders
from gateway.validation.mending import Mending
from gateway.validation.nesting import looks_too_deep
from gateway.validation.parts import Opened, Part, Unsure
from gateway.validation.sizes import Heavy
from shared.formats.base import Format
from shared.formats.intake import Array, Batch, Malformed, One, OneOrMany
from shared.formats.lenient_json import repaired, valid_utf8
from shared.formats.named_numbers import held, released

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_REFUSED = (msgspec.DecodeError, RecursionError, Unsure)


class JsonValidator(ABC):
    """A `Validator` of JSON. `_take` continues after the first decode; `_mended_body` turns what the contract allows
    and msgspec refuses into JSON that the writer's structs accept."""

    looks_too_deep = staticmethod(looks_too_deep)
    slow_bytes: float = inf
    """A larger body is `Heavy` where Python would have to look at it value by value."""

    def __init__(self, fmt: Format, body: One | Batch | Array | OneOrMany, api: Api) -> None:
        self._format = fmt
        self._api = api
        record = fmt.codec.record  # type: ignore[attr-defined]
        self._fast = decoding.fast(record, body, api)
        self._counted = decoding.counted(record, body, api)
        self._stored = decoding.stored(record, body)
        self._mending = Mending(record, api)
        self._key_of: Callable[[bytes], str | None] = body_key.key_of

    def opened(self, text: bytes) -> Opened:
        if not text.isascii():
            text = valid_utf8(text)
        return self._opened(text, self._fast)

    def _opened(self, text: bytes, decoders: Decoders) -> Opened:
        """A text of valid UTF-8. Raises nothing."""
        try:
            return Opened(text, decoders.head(text))
        except _REFUSED:
            return Opened(text)

    def key_in(self, opened: Opened) -> str | None:
        sent = getattr(opened.head, "api_key", None)
        if sent is not None:
            with suppress(msgspec.DecodeError, RecursionError):
                return body_key.text_of(sent)
        return self._key_anyhow(opened.text)

    def _key_anyhow(self, text: bytes) -> str | None:
        if len(text) > self.slow_bytes:
            raise Heavy
        with suppress(msgspec.DecodeError, RecursionError):
            return self._key_of(text)
        try:
            repaired_text = repaired(held(text) if self._api.named_numbers else text)
            _decode_raw(repaired_text)  # tells a body that is not an object from one that is not JSON
            return self._key_of(repaired_text)
        except msgspec.ValidationError:
            return None
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._malformed(text) from error

    def validate(self, opened: Opened) -> Part:
        text = opened.text
        try:
            if opened.head is not None:
                try:
                    return self._take(self._fast, opened)
                except _REFUSED:
                    pass
            if len(text) > self.slow_bytes:
                raise Heavy
            return self._named_numbers(text) if self._api.named_numbers else self._second_look(text)
        except Malformed as error:
            raise self._malformed(text) from error

    def _named_numbers(self, text: bytes) -> Part:
        """The second look at a body that may hold `NaN`. Raises as `_second_look` does."""
        marked = held(text)
        if marked is text:
            return self._second_look(text)
        try:
            part = self._second_look(marked)
        except InvalidBody as refusal:
            raise InvalidBody(_reworded(refusal)) from refusal
        part.payload = released(bytes(part.payload))
        return part

    def _second_look(self, text: bytes) -> Part:
        """What the fast path refused, looked at again. Raises `Malformed` for a body that is not JSON."""
        if self._counted is not None:
            with suppress(*_REFUSED):
                return self._take(self._counted, Opened(text, self._counted.head(text)))
        try:
            text = self._mended_body(text)
            return self._take(self._stored, Opened(text, self._stored.head(text)))
        except RecursionError as error:
            raise Malformed("nested too deeply") from error

    def _malformed(self, text: bytes) -> MalformedJson:
        return MalformedJson(self._api.malformed(text))

    @abstractmethod
    def _take(self, decoders: Decoders, opened: Opened) -> Part:
        """The good records. Raises as msgspec does, `Unsure`, `Malformed`, `InvalidBody`, `TooLarge`."""

    @abstractmethod
    def _mended_body(self, text: bytes) -> bytes:
        """The whole body as the writer's structs accept it, without its key. Records of a partial shape stay unchanged.

        Raises `Malformed`, `InvalidBody`, `TooLarge`.
        """


def _reworded(refusal: Worded) -> Any:
    """The answer of a refusal, with texts where it quotes `NaN` and the like."""
    return _decode(released(_encode(refusal.answer)))
