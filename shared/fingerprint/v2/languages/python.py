"""Python: tracebacks, chained, in groups, with notes and with bodies of several lines."""

import re
from functools import lru_cache

from shared.fingerprint.v2.classes import kind
from shared.fingerprint.v2.files import file_name
from shared.fingerprint.v2.headers import MESSAGE, looks_like_an_error, simple
from shared.fingerprint.v2.model import LONGEST_CHAIN, Frame, Language, Place, Thrown

_CALL = re.compile(r"^[ \t|]{0,64}File (\"[^\"\n]{1,500}\", line \d{1,9}(?:, in [^\n]{1,300})?)$", re.MULTILINE)
_LINE = re.compile(r'^"([^"]{1,500})", line (\d{1,9})(?:, in ([^\n]{1,300}))?$')
_LINKS = re.compile(
    r"^[ \t|]{0,64}(?:During handling of the above exception, another exception occurred:"
    r"|The above exception was the direct cause of the following exception:)$",
    re.MULTILINE,
)
_HEADER = re.compile(r"^([A-Za-z_]\w{0,100}(?:\.(?:<locals>|[A-Za-z_]\w{0,100})){0,12})(?:: ?(.*))?$", re.MULTILINE)
_RULER = re.compile(r"^[ |]{0,64}\+[-+]{3,80}(?: [\d.]{1,9} -{3,80})?$", re.MULTILINE)
_MARGIN = re.compile(r"^[ ]{0,64}[|+] ?", re.MULTILINE)
_FOREIGN = re.compile(
    r"(?P<dependency>site-packages|dist-packages|/\.venv/|\.egg/)"
    r"|(?P<runtime>/lib(?:64)?/python\d|/python\d\.\d{1,2}/(?!site)"
    r"|[Pp]ython\d{2,3}\\[Ll]ib\\|^<(?!stdin|input|ipython))"
)
_SDK = re.compile(r"sentry_sdk|opentelemetry|proliferate|deeptracer")
_INSIDE = frozenset({"<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"})
"""Python 3.12 has some of them no more."""
_DECORATORS = frozenset({"wrapper", "wrapped", "_wrapper", "_wrapped", "inner", "decorated", "decorator"})
"""They stand around every function: their names say nothing."""


def thrown(text: str) -> list[Thrown]:
    if '", line ' not in text:
        return []
    pieces = _LINKS.split(text, LONGEST_CHAIN) if "he above exception" in text else [text]
    found = [each for piece in reversed(pieces) for each in _one(piece)]
    return found if any(each.calls for each in found) else []


def _one(text: str) -> list[Thrown]:
    """One traceback; of a group what is inside: the wrapper around a single error says nothing."""
    if "+-" not in text or "  |" not in text:
        return [_plain(text)]
    errors = [_plain(_MARGIN.sub("", piece)) for piece in _RULER.split(text, LONGEST_CHAIN) if piece.strip(" |\n")]
    inside = [each for each in errors if each.type and not each.type.endswith("ExceptionGroup")]
    unique = {(each.type, each.message): each for each in inside}
    if len(unique) == 1:
        outer = [call for each in errors if each.type.endswith("ExceptionGroup") for call in each.calls]
        return [inside[0]._replace(calls=[*inside[0].calls, *outer])]
    return [*errors[:1], *sorted(unique.values())]


def _plain(text: str) -> Thrown:
    calls = list(_CALL.finditer(text))
    printed = [call[1] for call in calls]
    end = len(text)
    for n in range(len(calls), max(0, len(calls) - LONGEST_CHAIN), -1):  # a message may hold lines like frames
        kind, message = _header(text[calls[n - 1].end() : end], sure=True)
        if kind:
            return Thrown(kind, message, printed[n - 1 :: -1])
        end = calls[n - 1].start()
    return Thrown(*_header(text if not calls else "", sure=False), printed[::-1])


def _header(rest: str, sure: bool) -> tuple[str, str]:
    """The first line that begins at column 0 with a qualified name; all that follows it is the message."""
    for found in _HEADER.finditer(rest):
        if sure or looks_like_an_error(found[1]):
            return simple(found[1]), rest[found.start(2) :][:MESSAGE].rstrip() if found[2] else ""
    return "", ""


@lru_cache(512)
def frame(call: str) -> Frame | None:
    found = _LINE.match(call)
    if found is None or _SDK.search(found[1]):
        return None
    function = found[3] or ""
    if function in _INSIDE:
        return None
    foreign = _FOREIGN.search(found[1])
    name = "" if function.startswith("<") or function in _DECORATORS else function
    return Frame(name, file_name(found[1]), not foreign, (foreign.lastgroup or "") if foreign else "own file")


def place(call: str) -> Place:
    found = _LINE.match(call)
    return Place(found[3] or "", found[1], int(found[2])) if found else Place(call)


CLASSES = (
    kind("validation error", r"^\d{1,4} validation errors? for (\w{1,100}\n[\w.]{1,100})", "invalid"),
    kind(" has no attribute ", r"(\w{1,100}'(?: object)? has no attribute '\w{1,100})'", "attribute"),
    kind(" object is not ", r"^'([\w.]{1,100}' object is not \w{1,40})", "object"),
    kind("name '", r"^name '(\w{1,100})' is not defined", "name"),
    kind("local variable '", r"local variable '(\w{1,100})'", "name"),
    kind("No module named ", r"^No module named '([\w.]{1,100})'", "module"),
    kind("cannot import name ", r"^cannot import name '(\w{1,100})'", "import"),
    kind(
        "argument",
        r"^[\w.<>]{1,100}\(\) (?:missing|takes"
        r"|got) [^\n]{0,80}?(?:: '(\w{1,60})'.{0,200})?$",
        "arguments",
    ),
    kind("'", r"^'([a-z][a-z_]{0,60})'$", "key"),
)

LANGUAGE = Language("python", thrown, frame, place, CLASSES)
