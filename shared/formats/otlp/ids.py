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


def are_ids(sent: Sequence[bytes | str | None], size: int) -> bool:
    """Whether all are valid ids, in bytes or hex: quicker than `is_id` of each. False may be wrong."""
    try:
        if isinstance(sent[0], bytes):
            return set(map(len, sent)) == {size} and bytes(size) not in sent  # type: ignore[arg-type]
        joined = "".join(sent)  # type: ignore[arg-type]
        is_hex = 2 * len(bytes.fromhex(joined)) == len(joined)  # it allows blanks, which are no bytes
        return is_hex and set(map(len, sent)) == {2 * size} and "0" * 2 * size not in sent  # type: ignore[arg-type]
    except (IndexError, TypeError, ValueError):
        return False


def ids(rows: Rows, sent: Sequence[str], size: int, name: str) -> Sequence[str]:
    """Valid ids in hex; '' for the others, which are noted unless they are empty or all zero."""
    if are_ids(sent, size) or not any(sent):
        return sent
    made = list(sent)
    for row, text in enumerate(sent):
        if text and not is_id(text, size):
            made[row] = ""
            if text.strip("0"):
                rows.note(row, name, text)
    return made
