"""Bodies that are one record, refused when it is bad, or an array of them, of which the bad ones are dropped (03,
"`POST /api/v1/errors`")."""

from collections.abc import Callable
from typing import NamedTuple

from gateway.validation.body_key import sent_key, without_key
from gateway.validation.decoding import Decoders
from gateway.validation.lenient_json import parsed
from gateway.validation.mending import MAX_RECORD_BYTES, Faulty, Oversized, SecondLook, refuse_bomb, split
from gateway.validation.parts import TOLD, Unsure, Validated
from shared.formats.base import Look


class WrongKey(Faulty):
    """An element with another key than the first one that has any: it belongs to somebody else."""

    reason = "wrong_key"


class _Seen(NamedTuple):
    text: bytes
    look: Look


class OneOrMany:
    """Takes the bodies of one format. `good` gives an element's JSON as the writer takes it, or raises `Faulty`."""

    def __init__(
        self, look: Callable[[bytes], Look], most: int, second: SecondLook, good: Callable[[bytes], bytes]
    ) -> None:
        self._look = look
        self._most = most
        self._second = second
        self._good = good

    def take(self, decoders: Decoders, body: bytes) -> Validated:
        """What is good of a body. Raises as msgspec does, `Unsure`, `Malformed`, `InvalidBody` and `TooLarge`."""
        text = body.strip(b" \t\r\n")
        return self._many(text) if text.startswith(b"[") else self._one(decoders, text)

    def _one(self, decoders: Decoders, text: bytes) -> Validated:
        if len(text) > MAX_RECORD_BYTES and not decoders.mended:
            refuse_bomb(text)
            parsed(text)
            return _validated([], [(0, Oversized("too_large"))])
        decoders.record(text)
        seen = _Seen(text, self._look(text))
        if seen.look.lacks:
            raise self._second.lacking(text, seen.look.lacks)
        return _validated([seen], [])

    def _many(self, text: bytes) -> Validated:
        refuse_bomb(text)
        elements = split(text)
        if len(elements) > self._most:
            raise Unsure
        good: list[_Seen] = []
        dropped: list[tuple[int, Faulty]] = []
        first_key = None
        for index, element in enumerate(elements):
            key = sent_key(element)
            first_key = key if first_key is None else first_key
            try:
                if key is not None and key != first_key:
                    raise WrongKey("another_api_key")
                good.append(self._element(element))
            except Faulty as fault:
                dropped.append((index, fault))
        return _validated(good, dropped)

    def _element(self, element: bytes) -> _Seen:
        text = self._good(element)
        look = self._look(text)
        if look.lacks:
            raise Faulty(f"missing_{look.lacks}")
        return _Seen(text, look)


def _validated(good: list[_Seen], dropped: list[tuple[int, Faulty]]) -> Validated:
    stored = [seen for seen in good if not seen.look.is_ping]
    return Validated(
        b"[%b]" % b",".join(without_key(seen.text) for seen in stored),
        len(stored),
        dropped=[(index, fault.reason) for index, fault in dropped],
        told=[f"{index}:{fault}" for index, fault in dropped[:TOLD]],
        event_ids=[seen.look.event_id for seen in stored],
        pings=len(good) - len(stored),
    )
