"""The text as it is read: bounded, one kind of line end, without colours."""

import re
from typing import Final

MESSAGE_LIMIT: Final = 8 * 1024
HEAD: Final = 24 * 1024
TAIL: Final = 8 * 1024
"""A longer stack is read at both ends: Python prints the innermost frame last, Java the cause."""
LINE_LIMIT: Final = 1_024

_COLOUR = re.compile(r"\x1b\[[0-9;]{0,32}[A-Za-z]")


def bounded(stack: str) -> str:
    """The stack's first 24 KiB and last 8 KiB, in lines of at most 1,024 characters."""
    text = stack if len(stack) <= HEAD + TAIL else f"{stack[:HEAD]}\n{stack[-TAIL:]}"
    text = _plain(text)
    if len(text) > LINE_LIMIT:
        lines = text.split("\n")
        if max(map(len, lines)) > LINE_LIMIT:
            text = "\n".join([line[:LINE_LIMIT] for line in lines])
    return text


def bounded_message(message: str) -> str:
    """The first 8 KiB."""
    return _plain(message[:MESSAGE_LIMIT]).strip()


def _plain(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    return text.replace("\x00", "") if "\x00" in text else text
