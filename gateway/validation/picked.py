"""Records that an intake has picked out of a body itself."""

from hashlib import blake2b
from math import inf
from typing import get_args

from gateway.rejections import Unreadable
from gateway.validation.nesting import is_too_deep, looks_too_deep
from gateway.validation.parts import TOLD, Opened, Part
from gateway.validation.sizes import Heavy, split
from shared.envelope import Undecodable
from shared.formats.base import Format
from shared.formats.intake import Picking
from shared.metrics import DropReason

_REASONS = frozenset(get_args(DropReason))


class PickedValidator:
    """A `Validator` of the shape `Picked`: the records are good; it makes sure that the writer can read them too."""

    def __init__(self, fmt: Format, slow_bytes: float = inf) -> None:
        self._format = fmt
        self._slow_bytes = slow_bytes

    def looks_too_deep(self, picking: Picking) -> bool:
        return False  # `validate` looks

    def opened(self, picking: Picking) -> Opened:
        return Opened(picking.payload, picking)

    def key_in(self, opened: Opened) -> str | None:
        return None

    def validate(self, opened: Opened) -> Part:
        picking: Picking = opened.head
        self._refuse_depth(picking.payload)
        dropped = picking.dropped
        payload, unread = self._readable(picking.payload, picking.n)
        if unread:
            dropped = [*dropped, *((str(index), "invalid") for index in unread)]
        return Part(
            self._format,
            payload,
            picking.n - len(unread),
            [(_index(place), _reason(word)) for place, word in dropped],
            service=picking.service,
            environment=picking.environment,
            release=picking.release,
            extra=picking.extra,
            digests=[blake2b(payload, digest_size=16).digest()] if picking.named else (),
            event_ids=[each for index, each in enumerate(picking.event_ids) if index not in unread],
            reasons=picking.reasons,
            named=picking.named,
            told=[f"{place}:{word}" for place, word in dropped[:TOLD]],
        )

    def _refuse_depth(self, payload: bytes) -> None:
        if not looks_too_deep(payload):
            return
        for record in split(payload):  # many flat ones look deep together
            if looks_too_deep(record):
                if len(record) > self._slow_bytes:
                    raise Heavy
                if is_too_deep(record):
                    raise Unreadable("nested too deeply")

    def _readable(self, payload: bytes, n: int) -> tuple[bytes, set[int]]:
        """The records that the format's codec reads, and the indices of the others."""
        if not n or self._reads(payload):
            return payload, set()
        records = split(payload)
        unread = {index for index, record in enumerate(records) if not self._reads(b"[%b]" % record)}
        return b"[%b]" % b",".join(record for index, record in enumerate(records) if index not in unread), unread

    def _reads(self, payload: bytes) -> bool:
        try:
            self._format.codec.read(payload)
        except Undecodable:
            return False
        return True


def _index(place: str) -> int:
    return int(place.partition(".")[0])


def _reason(word: str) -> DropReason:
    return word if word in _REASONS else "invalid"  # type: ignore[return-value]  # no Literal for mypy
