"""`Type: message` in its many forms: with a code, a thread, a log line, a promise before it."""

import re
from typing import Final, NamedTuple

_NAME = r"[A-Za-z_][\w$]{0,100}(?:(?:\.|::|\\|/)[A-Za-z_][\w$]{0,100}){0,12}"
_PREFIX = (
    r"(?:Unhandled exception\. |Unhandled Exception: |Uncaught \(in promise\) |Uncaught |\(node:\d{1,9}\) "
    r"|(?:UnhandledPromiseRejection(?:Warning)?: )|error: |PHP Fatal error:  Uncaught |Fatal error: Uncaught "
    r'|Exception in thread "[^"\n]{0,200}" |\[[a-z]{1,16}\]: | ?⨯ ){0,3}'
)
_HEADER = re.compile(rf"^{_PREFIX}({_NAME})(?: \[([\w.-]{{1,80}})\])?(?:: ?(.*))?$", re.MULTILINE)
_ERROR = re.compile(r"(?:Error|Exception|Warning|Exit|Interrupt|Rejection|Failure|Fault|Panic|Timeout)$")

LONGEST: Final = 60
"""Lines of a message that are looked through for a header."""
MESSAGE: Final = 1024
"""Characters of a message that are read from a stack."""


class Header(NamedTuple):
    type: str = ""
    code: str = ""
    message: str = ""


NONE = Header()


def simple(name: str) -> str:
    """The class name alone: a class that moved to another module is the same class."""
    for mark in (".", "::", "\\", "/", "$"):
        if mark in name:
            name = name.rsplit(mark, 1)[-1] or name
    return name


def looks_like_an_error(name: str) -> bool:
    return _ERROR.search(name) is not None


def header_of(text: str) -> Header:
    """The header in the lines before the first frame: the first that names an error, else the first that could."""
    could: Header = NONE
    start = 0
    for line in text.split("\n", LONGEST)[:LONGEST]:
        found = _HEADER.match(line) if line else None
        if found is not None:
            name = simple(found[1])
            is_error = looks_like_an_error(name)
            if is_error or (could is NONE and found[3] is not None and name[0].isupper()):
                message = text[start + found.start(3) :][:MESSAGE].rstrip() if found[3] else ""
                could = Header(name, found[2] or "", message)
            if is_error:
                break
        start += len(line) + 1
    return could


def split_message(message: str, needs_type: bool) -> Header:
    """A message that may begin with a type: `TypeError: x` -> (TypeError, x).

    Other words before a colon stay in it, unless the stack `needs_type` as it prints none: `Overdue: x`.
    """
    found = _HEADER.match(message)
    if found and (looks_like_an_error(found[1]) or (needs_type and simple(found[1])[0].isupper() and found[3])):
        return Header(simple(found[1]), found[2] or "", message[found.start(3) :] if found[3] is not None else "")
    return Header("", "", message)
