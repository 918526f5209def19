"""The second look at records that the fast path refused: their faults are listed or, if they break no contract, they
are turned into JSON that the writer's structs accept (contracts.md, "What is valid").
"""

from itertools import islice
from typing import Any

import msgspec

from gateway.apis.base import Api
from gateway.rejections import InvalidBody
from gateway.validation.contract import Node, node_of
from gateway.validation.faults import Fault, Walker
from gateway.validation.lenient_json import parsed
from gateway.validation.sizes import Faulty

MAX_FAULTS = 1_000
"""Most faults listed; how many more there are is said by one more."""

Fields = dict[str, msgspec.Raw]

_decode_fields = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.Encoder().encode


class Mending:
    """Checks and mends the records of one format, and bodies of them."""

    def __init__(self, record: Any, api: Api) -> None:
        self.record_node = node_of(record)
        self._api = api
        self._walker = Walker(api.length)
        self._store = msgspec.json.Decoder(record).decode

    def fields(self, text: bytes) -> Fields:
        """The fields of an object, each as it was sent; of equal keys the last."""
        return _decode_fields(text)

    def refuse_faults(self, node: Node, value: Any) -> None:
        """Raises `InvalidBody` with all faults of a value, `Malformed` for a number that no double holds."""
        found = self._walker.faults(node, value)
        if faults := list(islice(found, MAX_FAULTS)):
            raise InvalidBody(self._api.invalid(faults, sum(1 for _ in found)))

    def lacking(self, text: bytes, name: str) -> InvalidBody:
        """The refusal of a record that lacks a field although its struct makes it optional."""
        fault = Fault((name,), "missing", self.record_node, parsed(text)[1])
        return InvalidBody(self._api.invalid([fault]))

    def mended_record(self, text: bytes) -> bytes:
        """One record as the writer's struct accepts it. Raises `Faulty`, `Malformed`."""
        if not text.startswith(b"{"):
            raise Faulty("not_an_object")
        text, value = parsed(text)
        for fault in self._walker.faults(self.record_node, value):  # the first one is enough
            raise Faulty(_reason(fault))
        return self.mended(text, value)

    def mended_object(self, text: bytes, value: dict[str, Any]) -> bytes:
        """A record that is a whole body, without faults: as `mended`, and without its key."""
        fields = _decode_fields(text)
        fields.pop("api_key", None)
        return self._put_together(fields, value)

    def mended(self, text: bytes, value: dict[str, Any]) -> bytes:
        """A record without faults: what its struct would refuse is replaced, all else stays as it was sent."""
        return self._put_together(_decode_fields(text), value)

    def _put_together(self, fields: Fields, value: dict[str, Any]) -> bytes:
        for field in self.record_node.fields:
            if field.name in value:
                sent = value[field.name]
                mended = self._walker.mended(field.node, sent)
                if mended is not sent:
                    fields[field.name] = msgspec.Raw(_encode(mended))
                    if field.node.sent_as and str(sent).lower() != mended:
                        fields[field.node.sent_as] = msgspec.Raw(_encode(sent))
        text = _encode(fields)
        self._store(text)  # if this raises, contract and struct disagree: a bug of ours
        return text


def _reason(fault: Fault) -> str:
    field = fault.path[0]
    return f"missing_{field}" if fault.rule == "missing" and len(fault.path) == 1 else f"invalid_{field}"
