"""Ruby, 3.4 too: `file:1:in 'Class#method'`; functions written in C have their caller's place."""

import re
from functools import lru_cache

from shared.fingerprint.v2.classes import kind
from shared.fingerprint.v2.files import file_name
from shared.fingerprint.v2.model import Frame, Language, Place, Thrown
from shared.fingerprint.v2.places import placed

_CALL = re.compile(
    r"^[ \t]{0,16}(?:\d{1,5}: )?(?:from )?((?:[A-Za-z]:|<internal:)?[^\n:]{1,400}:\d{1,9}):in [`']([^\n]{1,300}?)'(?=$"
    r"|: )(?:: ([^\n]{0,900}))?$",
    re.MULTILINE,
)
_TYPE = re.compile(r" \(([A-Z][\w:]{0,100})\)$")
_ABOVE = re.compile(r"^\s{0,8}([A-Z][\w:]{1,100}?)(?:: | \()([^\n]{0,900}?)\)?:?$", re.MULTILINE)
_AROUND = re.compile(r"^(?:(?:block|rescue|ensure)(?: \(\d+ levels\))? in )+")
_FOREIGN = re.compile(
    r"(?P<dependency>/gems/|/bundle/|/vendor/)|(?P<runtime>/lib/ruby/|/rubies/ruby-[^/]+/lib|^<internal:|^\(eval"
    r"|/rubygems/|^-e)"
)
_SDK = re.compile(r"/gems/(?:sentry-|opentelemetry-)")
_ENTRIES = frozenset({"<main>", "<top (required)>", "irb_binding", "<compiled>"})


def thrown(text: str) -> list[Thrown]:
    if ":in " not in text:
        return []
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    above = _ABOVE.match(text)
    for place, function, said in _CALL.findall(text):
        if said or not found:
            kind = _TYPE.search(said)
            name, rest = (kind[1], said[: kind.start()]) if kind else (above[1], above[2]) if above else ("", said)
            found.append((_class(name), rest, []))
        found[-1][2].append((place, function))
    return [Thrown(kind, message, _calls(places)) for kind, message, places in found]


def _class(name: str) -> str:
    return name.rsplit("::", 1)[-1]


def _calls(places: list[tuple[str, str]]) -> list[str]:
    """A frame at its caller's place is a function of the interpreter's own: it goes."""
    after = [*places[1:], ("", "")]
    return [
        f"{place}\t{function}" for (place, function), (below, _) in zip(places, after, strict=True) if place != below
    ] or [f"{place}\t{function}" for place, function in places[:1]]


@lru_cache(512)
def frame(call: str) -> Frame | None:
    function, file, *_ = place(call)
    if _SDK.search(file):
        return None
    foreign = _FOREIGN.search(file)
    return Frame(plain(function), file_name(file), not foreign, (foreign.lastgroup or "") if foreign else "own file")


def place(call: str) -> Place:
    at, _, function = call.partition("\t")
    return placed(function, at)


def plain(function: str) -> str:
    """`block in Desk::Shelf#lend` -> `lend`: older Rubies don't print the class."""
    name = _AROUND.sub("", function)
    name = name.rsplit("#", 1)[-1]
    if not name.startswith("<"):
        name = name.rsplit(".", 1)[-1] if not name.startswith(".") else name
    return "" if name in _ENTRIES or name.startswith("<") or _AROUND.match(name) else name


CLASSES = (
    kind("undefined ", r"^undefined (?:local variable or )?method [`'](\w{1,100}[?!=]?)'", "method", "NoMethodError"),
    kind("private method", r"^private method [`'](\w{1,100}[?!=]?)'", "private", "NoMethodError"),
    kind("uninitialized constant", r"^uninitialized constant ([\w:]{1,100})", "constant", "NameError"),
    kind("key not found", r"^key not found: (:\w{1,60})", "key", "KeyError"),
)

LANGUAGE = Language("ruby", thrown, frame, place, CLASSES, always_prints_causes=False)
