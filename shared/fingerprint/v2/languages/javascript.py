"""JavaScript as V8 prints it (`at f (file:1:2)`): Node, Deno, Chromium, and Bun and Hermes, which print alike."""

import re
from functools import lru_cache
from typing import Final

from shared.fingerprint.v2.classes import kind
from shared.fingerprint.v2.files import file_name
from shared.fingerprint.v2.headers import header_of
from shared.fingerprint.v2.languages.at_lines import AT, first_call
from shared.fingerprint.v2.model import LONGEST_CHAIN, Frame, Language, Place, Thrown
from shared.fingerprint.v2.places import placed

_CAUSE = re.compile(
    r"^[ \t]{0,64}(?:\[cause\]: |\[errors\]: \[|[Cc]aused by: |\[error\]: )"
    r"|^    (?=[A-Z]\w{0,60}: [^\n]{0,500}\n {8}at )",
    re.MULTILINE,
)
_OTHER = re.compile(r" line \d{1,9}\.?$|^/rustc/")
_PLACE = re.compile(r"(?::\d{1,9}){1,2}$")
_EVAL = re.compile(r"^eval at .{0,500}?\(([^()]{1,500})\).{0,200}$")
_ALIAS = re.compile(r" \[as ([^\]\n]{1,200})\]$")
_WORDS = re.compile(r"^(?:async |new |get |set |static |bound ){1,3}")
_BUNDLE_COLUMN = re.compile(r":(?:\d:\d{3,9}|\d\d:\d{4,9})$")

_FOREIGN = re.compile(
    r"(?P<dependency>node_modules|site-packages|dist-packages|/gems/|/pkg/mod/|/\.pnpm/|/\.yarn/"
    r"|/vendor[s]?[/.~-]|chunk-vendors|/bower_components/)"
    r"|(?P<runtime>^node:|^internal/|^bun:|^ext:|^deno:|^native|^<anonymous>|^\[native|^evalmachine"
    r"|^InternalBytecode|^unknown$|^unknown location|^index \d)"
    r"|(?P<framework>/chunks/(?:framework|webpack|polyfills|main-app|main)-|/webpack/(?:bootstrap|runtime)"
    r"|webpack-runtime|\[turbopack\]"
    r"|/@vite/client|/@react-refresh|\.vite/deps/|/next/dist/|react-dom|/zone\.js|polyfills-)"
    r"|(?P<extension>-extension://|^VM\d|cdn\.jsdelivr|unpkg\.com|googletagmanager|cdnjs\.)"
)
_SDK = re.compile(r"@deeptracer/|@sentry|sentry-|/sentry/|@opentelemetry|opentelemetry|@proliferate|proliferate-")

MINIFIED: Final = 4
"""A shorter name in a bundle is one that the build made."""

_NAMELESS = frozenset(
    {
        "", "anonymous", "<anonymous>", "eval", "eval code", "global code", "module code", "default", "value", "?",
        "anonymous function", "(anonymous function)", "<unknown>", "apply", "call", "next", "callback", "<global>",
        "fulfilled", "rejected", "step", "_next", "global", "async", "__awaiter", "__generator", "asyncGeneratorStep",
        "__webpack_require__", "__webpack_exec__", "__require", "__commonJS", "__esm", "__init", "__toESM",
        "_asyncToGenerator", "asyncToGenerator", "tryCatch", "invoke", "_invoke", "dispatchEvent", "emit",
        # React, which a bundle may hold
        "react_stack_bottom_frame", "react-stack-bottom-frame", "callComponentInDEV", "callCallback", "mountMemo",
        "updateMemo", "mountState", "updateState", "mountReducer", "updateReducer", "basicStateReducer",
        "dispatchSetState", "renderWithHooks", "renderWithHooksAgain", "runWithFiberInDEV", "beginWork", "commitRoot",
        "commitHookEffectListMount", "commitHookEffectListUnmount", "flushPassiveEffects", "executeDispatch",
        "processDispatchQueue", "batchedUpdates", "invokeGuardedCallback", "throwOnInvalidObjectType",
        "throwOnInvalidObjectTypeImpl", "createFiberFromTypeAndProps", "createFiberFromElement",
        "constructClassInstance", "finishClassComponent", "updateFunctionComponent", "performUnitOfWork",
        "workLoopSync", "renderRootSync", "performWorkOnRoot", "reconcileChildFibers", "reconcileChildrenArray",
        "dispatchReducerAction", "useMemo", "useEffect", "useLayoutEffect", "useInsertionEffect", "useState",
        "useReducer", "useCallback", "useContext", "useRef", "useSyncExternalStore", "useTransition", "useId", "use",
        "lazyInitializer", "resolveLazy", "mountLazyComponent",
        # Vue and Angular
        "callWithErrorHandling", "callWithAsyncErrorHandling", "flushJobs", "invokeTask", "runTask",
    }
)  # fmt: skip
"""Names that the engine or a compiler gave."""


def thrown(text: str) -> list[Thrown]:
    call = first_call(text)
    if not call or _OTHER.search(call):
        return []
    if "[" not in text and "aused by: " not in text:
        return [_one(text)]
    pieces = _CAUSE.split(text, LONGEST_CHAIN)
    return [each for each in map(_one, pieces) if each.type or each.calls]


def _one(text: str) -> Thrown:
    calls = AT.findall(text)
    header = header_of(text[: AT.search(text).start()] if calls else text)  # type: ignore[union-attr]
    if header.type == "DOMException":  # its code is the name that a stack alone prints
        return Thrown(header.code or header.type, header.message, calls)
    return Thrown(header.type, header.message, calls, header.code)


@lru_cache(512)
def frame(call: str) -> Frame | None:
    call = call.rstrip(" {,").removeprefix("async ")
    function, file = _split(call)
    return script_frame(function, file)


def _split(call: str) -> tuple[str, str]:
    """`f (file:1:2)` -> (f, file:1:2); a call without parentheses is a file alone, or a function alone."""
    if call.endswith(")") and (at := call.find(" (")) >= 0:
        return call[:at], call[at + 2 : -1]
    is_file = "/" in call or ":" in call
    return ("", call) if is_file else (call, "")


def place(call: str) -> Place:
    return script_place(*_split(call.rstrip(" {,").removeprefix("async ")))


def script_place(function: str, printed: str) -> Place:
    """The place of a call in any JavaScript engine; of evaluated code, that of the call that evaluated it."""
    printed = printed.removeprefix("address at ")
    if found := _EVAL.match(printed):
        printed = found[1]
    return placed(function, printed)


def script_frame(function: str, place: str) -> Frame | None:
    """One frame of any JavaScript engine."""
    place = place.removeprefix("address at ")
    if found := _EVAL.match(place):
        place = found[1]
    file = _PLACE.sub("", place)
    if _SDK.search(file):
        return None
    foreign = _FOREIGN.search(file)
    if foreign or not file:
        return Frame(plain(function), file_name(file), False, (foreign.lastgroup if foreign else "no file") or "")
    minified = _is_minified(function, place)
    name = plain(function)
    in_browser = ("://" in file and not file.startswith("file:")) or ".bundle" in file
    if minified and (len(name) < MINIFIED or function.startswith("Object.")):  # V8 makes up names of that form
        name = ""
    return Frame(name, file_name(file), True, "own file", minified, in_browser)


def _is_minified(function: str, place: str) -> bool:
    """Whether a build shortened the names: hundreds of columns on one of the first lines."""
    return _BUNDLE_COLUMN.search(place) is not None or ".bundle" in place


def plain(function: str) -> str:
    """What the source calls it: `async Object.a.total [as run]` and `total/<` are `total`; '' for a nameless one."""
    name = _WORDS.sub("", _ALIAS.sub("", function))
    if "/" in name or "*" in name or "<" in name:  # Firefox: caller/name<, setTimeout handler*name
        name = name.rsplit("*", 1)[-1].rsplit("/", 1)[-1].removesuffix("<")
    name = name.rsplit(".", 1)[-1].strip("#$ ")
    return "" if name in _NAMELESS else name


CLASSES = (
    kind(
        "Cannot ",
        r"^Cannot (?:read|set) propert\w{1,3} of \w{4,9} \((?:reading"
        r"|setting) '([^']{1,100})'\)",
        "null",
        "TypeError",
    ),
    kind("Cannot ", r"^Cannot (?:read|set) property '([^']{1,100})' of (?:undefined|null)", "null", "TypeError"),
    kind("can't access property", r"^can't access property \"([^\"]{1,100})\"", "null", "TypeError"),
    kind(
        " is not an object (evaluating",
        r"^(?:undefined|null) is not an object \(evaluating '[^'\n]{0,200}?([\w$]{1,100})(?: ?= ?[^'\n]{0,80})?'\)",
        "null",
        "TypeError",
    ),
    kind("Minified React error #", r"Minified React error (#\d{1,5})", "react", "Error"),
    kind("Cannot destructure", r"^Cannot destructure property '([^']{1,100})' of ", "null", "TypeError"),
    kind(" is undefined", r" is undefined$", "null", "TypeError"),
    kind(" is null", r" is null$", "null", "TypeError"),
    kind("Cannot ", r"^Cannot (?:read|set) propert\w{1,3} of (?:undefined|null)", "null", "TypeError"),
    kind("undefined is not a function (near", r"", "iterate", "TypeError"),
    kind(" is not a function", r"([\w$]{1,100})(?:\([^()\n]{0,50}\))? is not a function", "call", "TypeError"),
    kind("' doesn't exist", r"^Property '([\w$]{1,100})' doesn't exist", "name", "ReferenceError"),
    kind(" is not defined", r"^([\w$]{1,100}) is not defined", "name", "ReferenceError"),
    kind("Can't find variable: ", r"^Can't find variable: ([\w$]{1,100})", "name", "ReferenceError"),
    kind(
        "access",
        r"^(?:Cannot access '|can't access lexical declaration '"
        r"|Cannot access uninitialized)",
        "early",
        "ReferenceError",
    ),
    kind(" is not iterable", r"", "iterate", "TypeError"),
    kind("Spread syntax requires", r"", "iterate", "TypeError"),
    kind(
        "read",
        r"^Cannot assign to read only|\" is read-only$"
        r"|^Attempted to assign to readonly",
        "readonly",
        "TypeError",
    ),
    kind("Maximum call stack size exceeded", r"", "recursion", "RangeError"),
    kind("too much recursion", r"", "recursion", "RangeError"),
    kind("etch", r"^(?:Failed to fetch|NetworkError when attempting to fetch resource\.?)$", "fetch", "TypeError"),
    kind("ed", r"^(?:Load failed|Network request failed)$", "fetch", "TypeError"),
    kind("ing ", r"^Loading (?:CSS )?chunk [\w/.-]{1,100} failed", "chunk", "ChunkLoadError"),
    kind(
        "module",
        r"^(?:Failed to fetch|error loading) dynamically imported module"
        r"|^Importing a module script",
        "module",
        "TypeError",
    ),
    kind("rray", r"^[Ii]nvalid array length|^Array length must be|^Array size is not", "length", "RangeError"),
    kind("nvalid", r"^(?:Invalid time value|invalid date|Invalid Date)$", "date", "RangeError"),
    kind("repeat", r"^repeat count must be|^String\.prototype\.repeat argument", "repeat", "RangeError"),
    kind("Invalid count value", r"", "repeat", "RangeError"),
    kind("precision", r"^precision -?\d{1,20} out of range", "digits", "RangeError"),
    kind(" argument must be between", r"^to\w{1,20}\(\) ", "digits", "RangeError"),
    kind("URI", r"^URI malformed|^malformed URI|^URI error", "uri", "URIError"),
    kind("illegal UTF-16", r"", "uri", "URIError"),
    kind("BigInt", r"^Cannot mix BigInt|^can't convert BigInt|^Invalid mix of BigInt", "bigint", "TypeError"),
    kind("annot use 'in' operator", r"", "in", "TypeError"),
    kind(" is not an Object. (evaluating", r"", "in", "TypeError"),
    kind('"path": [', r"\"path\": \[\s{0,20}\"?([\w$]{1,60})", "path", "ZodError"),
    kind("JSON", r"", "json", "SyntaxError"),
    kind("Unexpected ", r"^Unexpected (?:token|end of|identifier|number|string)", "json", "SyntaxError"),
)

LANGUAGE = Language("javascript", thrown, frame, place, CLASSES, always_prints_causes=False)
