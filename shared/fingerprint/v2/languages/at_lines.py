"""Lines that begin with `at`: JavaScript's, Java's and .NET's runtimes all print frames so."""

import re
from functools import lru_cache

from shared.fingerprint.v2 import lines
from shared.fingerprint.v2.headers import header_of
from shared.fingerprint.v2.model import Thrown

AT = re.compile(r"\n[ \t]{0,64}at ([^\n]{1,1023})$", re.MULTILINE)
"""The rest of the line is one call."""


@lru_cache(1)
def first_call(text: str) -> str:
    """The first line of the text that could be a call; '' if there is none. Three families ask it of one text."""
    found = lines.search(AT, text)
    return found[1] if found else ""


def head_and_calls(text: str) -> tuple[str, list[str]]:
    """What stands before the first of these lines, and the call of each."""
    behind = f"\n{text}"  # as `lines` does
    first = AT.search(behind)
    return (text[: first.start()], AT.findall(behind, first.start())) if first else (text, [])


def thrown_of(text: str) -> Thrown:
    """One error of a chain: its header stands before the first of these lines."""
    head, calls = head_and_calls(text)
    header = header_of(head)
    return Thrown(header.type, header.message, calls)
