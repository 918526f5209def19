"""PHP: the header holds the place of the throw, a frame the place of the call; the inner error comes first."""

import re
from functools import lru_cache

from shared.fingerprint.v2.classes import kind
from shared.fingerprint.v2.files import file_name
from shared.fingerprint.v2.headers import header_of
from shared.fingerprint.v2.model import LONGEST_CHAIN, Frame, Language, Place, Thrown
from shared.fingerprint.v2.places import placed

_CALL = re.compile(r"^#\d{1,5} ([^\n]{1,900})$", re.MULTILINE)
_PLACE = re.compile(r"^(\[internal function\]|(?:[A-Za-z]:)?[^\n:]{1,500}?\(\d{1,9}\)): (.{1,400})$")
_THROWN_AT = re.compile(r" (?:in|at) ((?:[A-Za-z]:)?[^\n:]{1,400}:\d{1,9})\)?$", re.MULTILINE)
_NEXT = re.compile(r"^\s{0,8}Next (?=[\w\\]{1,200}(?::| in ))", re.MULTILINE)
_MONOLOG = re.compile(
    r"\[object\] \(([\w\\]{1,200})\(code: -?\w{1,20}\): (.{0,400}?) at ([^\n:]{1,300}:\d{1,9})\)?$", re.MULTILINE
)
_MONOLOG_NEXT = re.compile(r"^\[previous exception\] ", re.MULTILINE)
_FOREIGN = re.compile(
    r"(?P<dependency>/vendor/|\\vendor\\|/wp-includes/|/wp-admin/)|(?P<runtime>^\[internal function\])"
)
_SDK = re.compile(r"/vendor/(?:sentry|open-telemetry)/")
_INTERNAL = "[internal function]"
_CLOSURE = re.compile(r"\{closure(?::[^}]{0,300})?\}")
_NOT_CALLED = frozenset({"require", "require_once", "include", "include_once", "{main}"})
_NATIVE = re.compile(r"^[a-z][a-z0-9_]*$")


def thrown(text: str) -> list[Thrown]:
    if "#0 " not in text:
        return []
    if not any(_PLACE.match(call) for call in _CALL.findall(text)[:3]) and "#0 {main}" not in text:
        return []
    if "\\\\" in text:
        text = text.replace("\\\\", "\\")
    if "[object] (" in text:
        return [_of_monolog(piece) for piece in _MONOLOG_NEXT.split(text, LONGEST_CHAIN)]
    return [_one(piece) for piece in reversed(_NEXT.split(text, LONGEST_CHAIN))]


def _of_monolog(text: str) -> Thrown:
    said = _MONOLOG.search(text)
    kind, message, place = (said[1], said[2], said[3]) if said else ("", "", "")
    return Thrown(kind.rsplit("\\", 1)[-1], message, _calls(text, place))


def _one(text: str) -> Thrown:
    at = text.find("\n#0 ")
    head = text[:at] if at >= 0 else text
    head = head.removesuffix("\nStack trace:")
    place = _THROWN_AT.search(head)
    header = header_of(head[: place.start()] if place else head)
    return Thrown(header.type, header.message, _calls(text, place[1].rpartition(" in ")[2] if place else ""))


def _calls(text: str, place: str) -> list[str]:
    """`function<tab>file:line that it stands in`: a function stands where the frame above it was called.

    One that threw in the line of its call is PHP's own: it has no line of its own.
    """
    calls: list[str] = []
    for call in _CALL.findall(text):
        found = _PLACE.match(call)
        if found is None:
            continue
        called_at = found[1].removesuffix(")").replace("(", ":")
        is_native = called_at == place and not calls
        calls.append(f"{_function(found[2])}\t{_INTERNAL if is_native else place}")
        place = called_at
    return [*calls, f"{{main}}\t{place if ':' in place else ''}"]


def _function(call: str) -> str:
    """Without arguments, which begin at the first parenthesis."""
    return call.partition("(")[0]


@lru_cache(512)
def frame(call: str) -> Frame | None:
    function, _, at = call.partition("\t")
    file = at.rpartition(":")[0] or at
    if _SDK.search(file) or function in _NOT_CALLED - {"{main}"}:
        return None
    foreign = _FOREIGN.search(file)
    native = not file and _NATIVE.match(function)
    why = (foreign.lastgroup or "") if foreign else "runtime" if native else "own file"
    return Frame(plain(function), file_name(file), why == "own file", why)


def place(call: str) -> Place:
    function, _, at = call.partition("\t")
    return placed(function, at)


def plain(function: str) -> str:
    r"""`App\Cart->total` -> `Cart.total`; a closure has no name."""
    if _CLOSURE.search(function) or function == "{main}":
        return ""
    return function.replace("->", ".").replace("::", ".").rsplit("\\", 1)[-1]


CLASSES = (
    kind(
        "Call to ",
        r"^Call to (?:a|an|undefined|private|protected) (?:\w{1,20} )?(?:function"
        r"|method) ([\w\\:]{1,200})\(",
        "call",
    ),
    kind("Call to undefined", r"^Call to undefined (?:function|method) ([\w\\:]{1,200})\(", "call"),
    kind(
        "Undefined ",
        r"^Undefined (?:property|variable|constant|array key|index"
        r"|offset)[: ]{1,2}\"?([$A-Za-z_\\:]{1,200})",
        "undefined",
    ),
    kind("Attempt to read property", r"^Attempt to read property \"(\w{1,100})\"", "null"),
    kind(" not found", r"^Class \"([\w\\]{1,200})\" not found", "class"),
    kind("Too few arguments", r"^Too few arguments to function ([\w\\:]{1,200})\(", "few"),
    kind("Argument #", r"^([\w\\:]{1,200})\(\): Argument #\d", "argument"),
)

LANGUAGE = Language("php", thrown, frame, place, CLASSES)
