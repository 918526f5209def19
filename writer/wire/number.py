"""A column of numbers or times: as the machine's own array has them."""

import re
import sys
from array import array
from collections.abc import Sequence
from typing import Any

from writer.wire.column import WireColumn

_CODES = {
    **{f"UInt{bits}": code for bits, code in ((8, "B"), (16, "H"), (32, "I"), (64, "Q"))},
    **{f"Int{bits}": code for bits, code in ((8, "b"), (16, "h"), (32, "i"), (64, "q"))},
    "Float32": "f",
    "Float64": "d",
}
_TIME = re.compile(r"DateTime64\(\d(, *'[^']+')?\)")


def code_of(type: str) -> str:
    """The code of `array` for a column's type; '' for a type that is no number. Times are scaled ints."""
    return "q" if _TIME.fullmatch(type) else _CODES.get(type, "")


class Number(WireColumn):
    def __init__(self, type: str, limit: int | None = None) -> None:
        super().__init__(type, limit)
        self.array = array(code_of(type))

    def encode(self, values: Sequence[Any]) -> Any:
        return array(self.array.typecode, values)

    def append(self, encoded: Any, n: int) -> None:
        self.array += encoded
        self.rows += n

    def fill(self, n: int) -> None:
        self.append(array(self.array.typecode, bytes(n * self.array.itemsize)), n)

    def wire(self) -> list[Any]:
        if sys.byteorder == "little":
            return [memoryview(self.array).cast("B")]
        swapped = self.array[:]
        swapped.byteswap()
        return [swapped.tobytes()]

    def _decoded(self) -> Sequence[Any]:
        return self.array
