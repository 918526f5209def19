"""Lines that begin with `at`: JavaScript's, Java's and .NET's runtimes all print frames so."""

import re

from shared.fingerprint.v2.headers import header_of
from shared.fingerprint.v2.model import Thrown

AT = re.compile(r"^[ \t]{0,64}at ([^\n]{1,1023})$", re.MULTILINE)
"""The rest of the line is one call."""


def first_call(text: str) -> str:
    """The first line of the text that could be a call; '' if there is none."""
    found = AT.search(text)
    return found[1] if found else ""


def thrown_of(text: str) -> Thrown:
    """One error of a chain: its header stands before the first of these lines."""
    first = AT.search(text)
    header = header_of(text[: first.start()] if first else text)
    return Thrown(header.type, header.message, AT.findall(text))
