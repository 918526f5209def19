"""Perl: Carp's frames hold the place of the call, the message the place of the throw."""

import re
from functools import lru_cache

from shared.fingerprint.v2.classes import kind
from shared.fingerprint.v2.files import file_name
from shared.fingerprint.v2.model import Frame, Language, Place, Thrown
from shared.fingerprint.v2.places import placed

_CALL = re.compile(r"^[ \t]{1,8}([^\n]{1,800}) called at ([^\n]{1,300}) line (\d{1,9})\.?$", re.MULTILINE)
_SAID = re.compile(r" at (\S{1,300}) line (\d{1,9})\.?$", re.MULTILINE)
_CODE = re.compile(r"\.(?:pl|pm|t|cgi|psgi)$|^-e$")
_FOREIGN = re.compile(r"/perl5?/|/usr/(?:local/)?(?:share|lib)/|/site_perl/|/vendor_perl/")


def thrown(text: str) -> list[Thrown]:
    if " line " not in text:
        return []
    said = _SAID.search(text)
    if said is None or not _CODE.search(said[1]):
        return []
    at, calls = f"{said[1]}:{said[2]}", []
    for call, file, line in _CALL.findall(text):
        calls.append(f"{call.partition('(')[0]}\t{at}")
        at = f"{file}:{line}"
    calls.append(f"main\t{at}")
    return [Thrown("", text[: said.start()].rpartition("\n")[2], calls)]


@lru_cache(512)
def frame(call: str) -> Frame | None:
    function, file, *_ = place(call)
    if function.startswith(("eval ", "require ")):
        return None
    is_foreign = _FOREIGN.search(file) is not None
    return Frame(plain(function), file_name(file), not is_foreign, "dependency" if is_foreign else "own file")


def place(call: str) -> Place:
    """Of `function<tab>file:line`."""
    function, _, at = call.partition("\t")
    return placed(function, at)


def plain(function: str) -> str:
    name = function.rsplit("::", 1)[-1].strip()
    return "" if name in ("main", "__ANON__", "(eval)") else name


CLASSES = (
    kind("Undefined subroutine", r"^Undefined subroutine &?([\w:]{1,100})", "sub"),
    kind("Can't locate object method", r"^Can't locate object method \"(\w{1,100})\"", "method"),
    kind("Can't call method", r"^Can't call method \"(\w{1,100})\"", "null"),
    kind("Can't locate", r"^Can't locate ([\w/]{1,100})\.pm", "module"),
)

LANGUAGE = Language("perl", thrown, frame, place, CLASSES)
