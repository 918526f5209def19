"""The text as it is read: bounded, one kind of line end, without colours."""

import re
from typing import Final

MESSAGE_LIMIT: Final = 8 * 1024
HEAD: Final = 24 * 1024
TAIL: Final = 8 * 1024
"""A longer stack is read at both ends: Python prints the innermost frame last, Java the cause."""
LINE_LIMIT: Final = 1_024
LINES: Final = 1_000

_COLOUR = re.compile(r"\x1b\[[0-9;]{0,32}[A-Za-z]")


def bounded(stack: str) -> str:
    """The stack's first 24 KiB and last 8 KiB, at most 1,000 lines of at most 1,024 characters."""
    text = stack if len(stack) <= HEAD + TAIL else f"{stack[:HEAD]}\n{stack[-TAIL:]}"
    text = _plain(text)
    if "\n" not in text and "\\n" in text:  # escaped once too often
        text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\").replace('\\"', '"')
    if text.lstrip("\n")[:1] in (" ", "\t"):
        text = _unindented(text)
    if len(text) > LINE_LIMIT:
        lines = text.split("\n")
        if len(lines) > LINES:
            lines = [*lines[: LINES * 3 // 4], *lines[-LINES // 4 :]]
        if max(map(len, lines)) > LINE_LIMIT or len(lines) == LINES:
            text = "\n".join([line[:LINE_LIMIT] for line in lines])
    return text


def bounded_message(message: str) -> str:
    """The first 8 KiB."""
    return _plain(message[:MESSAGE_LIMIT]).strip()


def _unindented(text: str) -> str:
    """Without the spaces before every line, which a log may put there."""
    filled = [line for line in filter(None, text.split("\n")) if line.strip()]
    if not filled:
        return text
    first, last = min(filled), max(filled)
    width = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b or not a.isspace()), 0)
    return f"\n{text}".replace(f"\n{first[:width]}", "\n")[1:]


def _plain(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    return text.replace("\x00", "") if "\x00" in text else text
