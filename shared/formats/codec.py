"""How the records of one queue message are encoded: what gateway and writer must agree on besides the stamp."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from shared.envelope import Undecodable

Payload = bytes | memoryview | msgspec.Raw
"""The records of one message, as they travel behind the stamp."""

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


class Codec(ABC):
    """Reads and cuts payloads. Pure, and created once per process.

    `keep` and `sizes` get only payloads that the gateway has accepted.
    """

    media_type: ClassVar[str]
    """The media type of a body of such records, for the API's description."""

    @abstractmethod
    def read(self, payload: Payload) -> list[Any]:
        """The records, as the format's columns take them. Raises `Undecodable`."""

    @abstractmethod
    def keep(self, payload: Payload, indices: Sequence[int]) -> bytes:
        """The same payload with these records only: a part of a large request, a dead letter of one record."""

    @abstractmethod
    def sizes(self, payload: Payload) -> list[int]:
        """Bytes of each record; as many numbers as there are records. Raises `Undecodable`."""

    def look(self, payload: Payload) -> Iterable[Any]:
        """The records as far as the gateway must know them to accept the payload. What passes can be read.

        Raises `Undecodable`, also between two records; MemoryError for a payload that takes more than there is.
        """
        return self.read(payload)

    def plain(self, payload: Payload) -> Any:
        """The records as plain values, for people to read. Raises `Undecodable`."""
        return msgspec.to_builtins(self.read(payload), str_keys=True)

    def cut(self, payload: Payload, room: int) -> Iterator[tuple[bytes, int]]:
        """Parts of at most `room` bytes, in order, each with its number of records. A larger record is a part of its
        own."""
        for run in runs(self.sizes(payload), room):
            yield self.keep(payload, run), len(run)


class JsonArray(Codec):
    """A JSON array whose elements are described by a msgspec type."""

    media_type = "application/json"

    def __init__(self, record: Any) -> None:
        """`record`: the type as the writer decodes it."""
        self.record = record
        self._read = msgspec.json.Decoder(list[record]).decode

    def read(self, payload: Payload) -> list[Any]:
        try:
            return self._read(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Undecodable(str(error)) from error

    def keep(self, payload: Payload, indices: Sequence[int]) -> bytes:
        elements = _split(payload)
        return _joined([bytes(elements[index]) for index in indices])

    def sizes(self, payload: Payload) -> list[int]:
        return [len(bytes(element)) for element in _split(payload)]

    def plain(self, payload: Payload) -> Any:
        """As they were sent, with the fields that the record's type skips."""
        try:
            return _decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Undecodable(str(error)) from error

    def cut(self, payload: Payload, room: int) -> Iterator[tuple[bytes, int]]:
        elements = [bytes(element) for element in _split(payload)]  # split once, however many parts there are
        for run in runs(list(map(len, elements)), room):
            yield _joined(elements[run.start : run.stop]), len(run)


def runs(sizes: Sequence[int], room: int) -> Iterator[range]:
    """Ranges of indices, in order: the sizes in one, with a byte before, between and behind them, add up to at most
    `room`, or it has only one index."""
    first, total = 0, 1
    for index, size in enumerate(sizes):
        if index > first and total + size + 1 > room:
            yield range(first, index)
            first, total = index, 1
        total += size + 1
    yield range(first, len(sizes))


def _joined(elements: list[bytes]) -> bytes:
    return b"[%b]" % b",".join(elements)
