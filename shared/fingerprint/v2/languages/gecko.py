"""JavaScript as Firefox and Safari print it (`f@file:1:2`): no header, no type; Safari leaves tail calls out."""

import re
from functools import lru_cache

from shared.fingerprint.v2.headers import looks_like_an_error
from shared.fingerprint.v2.languages.javascript import CLASSES, script_frame, script_place
from shared.fingerprint.v2.model import Frame, Language, Place, Thrown

_CALL = re.compile(r"^([^@\n]{0,300}@(?:[^\n]{1,900}:\d{1,9}|\[native code\]))$", re.MULTILINE)
_EVAL_LINE = re.compile(r" line \d{1,9} > (?:eval|Function).{0,200}$")
_NO_FILE = re.compile(r"^\d{1,9}:\d{1,9}$")


def thrown(text: str) -> list[Thrown]:
    calls = _CALL.findall(text)
    if not calls:
        return []
    # The constructor of an error's class stands above the function that threw, and names the type.
    name = calls[0].partition("@")[0]
    return [
        Thrown(name, "", calls[1:])
        if len(calls) > 1 and name[:1].isupper() and looks_like_an_error(name)
        else Thrown("", "", calls)
    ]


@lru_cache(512)
def frame(call: str) -> Frame | None:
    function, _, place = call.partition("@")
    place = _EVAL_LINE.sub("", place)
    return script_frame(function, "main.bundle:" + place if _NO_FILE.match(place) else place)


def place(call: str) -> Place:
    function, _, at = call.partition("@")
    return script_place(function, _EVAL_LINE.sub("", at))


LANGUAGE = Language("javascript", thrown, frame, place, CLASSES, always_prints_causes=False)
