"""Trace and span ids."""

from collections.abc import Sequence

from shared.formats.base import Rows

TRACE_BYTES = 16
SPAN_BYTES = 8

_HEX = "0123456789abcdefABCDEF"


def is_id(sent: bytes | str | None, size: int) -> bool:
    """Whether an id, in bytes or hex, has so many bytes and is not all zero."""
    if isinstance(sent, bytes):
        return len(sent) == size and bool(sent.strip(b"\0"))
    return sent is not None and len(sent) == 2 * size and not sent.strip(_HEX) and bool(sent.strip("0"))


def ids(rows: Rows, sent: Sequence[str], size: int, name: str) -> list[str]:
    """Valid ids in hex; '' for the others, which are noted unless they are empty or all zero."""
    made = list(sent)
    for row, text in enumerate(sent):
        if text and not is_id(text, size):
            made[row] = ""
            if text.strip("0"):
                rows.note(row, name, text)
    return made
