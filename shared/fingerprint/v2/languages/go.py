"""Go: panics, goroutines, and the stacks of pkg/errors. A recover handler stands above the panic."""

import re
from functools import lru_cache

from shared.fingerprint.v2.files import file_name
from shared.fingerprint.v2.model import Frame, Language, Place, Thrown
from shared.fingerprint.v2.places import placed

_FILE = re.compile(r"^\t([^\n]{1,500}?\.(?:go|s|c):\d{1,9})(?: \+0x[0-9a-f]{1,16})?$")
_PANIC = re.compile(r"^(?:\t?panic: |fatal error: )(.{0,1000})$", re.MULTILINE)
_ROUTINE = re.compile(r"^goroutine \d{1,20} ", re.MULTILINE)
_REPANIC = re.compile(r" \[recovered(?:, repanicked)?\]$")
_STANDARD = re.compile(
    r"^(?:runtime|internal|net|encoding|os|fmt|sync|reflect|testing|strings|strconv|bytes|bufio|context|database"
    r"|errors|io|log|math|path"
    r"|regexp|sort|slices|maps|syscall|text|time|unicode|crypto|compress|archive|html|mime|hash|container|go"
    r"|plugin|iter|cmp|vendor)[./]"
)
_CLOSURE = re.compile(r"(?:\.func\d+|\.gowrap\d+|\.\d+|-fm|-range\d+|\.deferwrap\d+)+$")
_GENERIC = re.compile(r"\[[^\]]{0,200}\]")
_SDK = re.compile(r"getsentry/|go\.opentelemetry\.io/")


def thrown(text: str) -> list[Thrown]:
    if ".go:" not in text:
        return []
    routine = _ROUTINE.search(text)
    calls = _calls(text[routine.start() :] if routine else text)
    if not calls:
        return []
    said = _PANIC.findall(text[: routine.start()] if routine else text)
    message = _REPANIC.sub("", said[-1]) if said else ""
    return [Thrown("panic" if said or routine else "", message, calls)]


def _calls(text: str) -> list[str]:
    """`function<tab>file:line` of the first goroutine, from the panic on."""
    calls: list[str] = []
    before = ""
    for line in text.split("\n"):
        if line.startswith("\t"):
            if before and (found := _FILE.match(line)):
                calls.append(f"{before}\t{found[1]}")
            before = ""
        elif line.startswith(("panic(", "created by ")) or (calls and line.startswith("goroutine ")):
            if not line.startswith("panic("):
                break
            calls.clear()
            before = ""
        else:
            before = line
    return calls


@lru_cache(512)
def frame(call: str) -> Frame | None:
    function, file, *_ = place(call)
    if _SDK.search(function):
        return None
    package, _, rest = function.rpartition("/")
    is_foreign = "/pkg/mod/" in file or "@v" in file or "/vendor/" in file
    is_standard = _STANDARD.match(function) is not None and "." not in package
    why = "dependency" if is_foreign else "runtime" if is_standard else "own package"
    return Frame(plain(rest), file_name(file) if why == "own package" else "", why == "own package", why)


def place(call: str) -> Place:
    function, _, at = call.partition("\t")
    return placed(function, at)


def plain(function: str) -> str:
    """`main.(*Cart).Total.func1(0xc0, ...)` -> `Cart.Total`."""
    name = function
    if name.endswith(")") and (at := name.rfind("(")) > 0:
        name = name[:at]
    name = _CLOSURE.sub("", _GENERIC.sub("", name)).partition(".")[2] or name
    name = name.replace("(*", "").replace("(", "").replace(")", "")
    return "" if name in ("main", "init") else name


LANGUAGE = Language("go", thrown, frame, place)
