"""Rust: panics before and since 1.73, backtraces with and without line tables, anyhow's causes."""

import re
from functools import lru_cache

from shared.fingerprint.v2.files import file_name
from shared.fingerprint.v2.model import Frame, Language, Place, Thrown
from shared.fingerprint.v2.places import placed

_CALL = re.compile(
    r"^ {0,8}\d{1,4}: +(?:0x[0-9a-f]{4,16} - )?(\S[^\n]{0,800}(?:\n {4,24}at [^\n]{1,500})?)$", re.MULTILINE
)
_NEW = re.compile(
    r"^thread '[^'\n]{0,100}'(?: \(\d{1,20}\))? panicked at ([^\n]{1,400}?):\d+:\d+:\n([^\n]{0,1000})", re.MULTILINE
)
_OLD = re.compile(r"^thread '[^'\n]{0,100}' panicked at '([^\n]{0,1000})', ([^\n]{1,400}?):\d+:\d+$", re.MULTILINE)
_ANYHOW = re.compile(r"^(?:Error: )?([^\n]{1,1000})\n+(?:Caused by:|Stack backtrace:)", re.MULTILINE)
_PLACE = re.compile(r":\d{1,9}(?::\d{1,9})?$")
_HASH = re.compile(r"::h[0-9a-f]{16}$")
_RUNTIME = re.compile(
    r"^(?:<?&?(?:mut )?(?:std|core|alloc|test|backtrace|panic_unwind|hashbrown)::|<(?:alloc|std|core)"
    r"|rust_begin_unwind|__rust|_?_?rustc"
    r"|_start|__libc|main$|clone|start_thread|_?_rust_|<unknown>|<\w+ as (?:core|std|alloc)::|<dyn )"
)
_DEPENDENCY = re.compile(
    r"^<?(?:tokio|hyper|tower|axum|actix\w*|futures\w*|serde\w*|anyhow|eyre|rayon\w*|reqwest|sqlx\w*|tracing\w*"
    r"|h2|mio|rocket|warp|diesel|poem)::"
)
_SDK = re.compile(r"^<?(?:sentry\w*|opentelemetry\w*)::")


def thrown(text: str) -> list[Thrown]:
    if "panicked at" not in text and "Stack backtrace:" not in text:
        return []
    calls = _CALL.findall(text, text.lower().find("stack backtrace:") + 1)
    if found := _NEW.search(text):
        return [Thrown("panic", found[2], calls or [f"?\n at {found[1]}"])]
    if found := _OLD.search(text):
        return [Thrown("panic", found[1], calls or [f"?\n at {found[2]}"])]
    found = _ANYHOW.search(text)
    return [Thrown("Error", found[1], calls)] if found and "Stack backtrace:" in text else []


@lru_cache(512)
def frame(call: str) -> Frame | None:
    function, _, place = call.partition("\n")
    if _SDK.match(function):
        return None
    file = _PLACE.sub("", place.strip().removeprefix("at "))
    if function == "?":
        return Frame("", file_name(file), True, "place of the panic")
    if _RUNTIME.match(function) or "/rustc/" in file:
        return Frame(plain(function), "", False, "runtime")
    if _DEPENDENCY.match(function) or "/.cargo/" in file:
        return Frame(plain(function), "", False, "dependency")
    return Frame(plain(function), "", True, "own crate")


def place(call: str) -> Place:
    function, _, at = call.partition("\n")
    return placed("" if function == "?" else function, at.strip().removeprefix("at "))


def plain(function: str) -> str:
    """`<shop::Cart as shop::Total>::total::{{closure}}::h1f0c...` -> `Cart::total`."""
    name = _without_generics(_HASH.sub("", function).replace("::{{closure}}", ""))
    parts = [part for part in name.split("::") if part]
    return "" if not parts or parts[-1] == "main" else "::".join(parts[-2:] if len(parts) > 2 else parts[-1:])


def _without_generics(name: str) -> str:
    if name.startswith("<") and " as " in name:
        name = name[1:].replace(">::", "::", 1) if "<" not in name[1:] else name[1:]
        head, _, rest = name.partition(" as ")
        name = head + "::" + rest.rpartition("::")[2]
    depth, kept = 0, []
    for char in name:
        depth += char == "<"
        if not depth:
            kept.append(char)
        depth -= char == ">" and depth > 0
    return "".join(kept).replace("&", "").replace("mut ", "")


LANGUAGE = Language("rust", thrown, frame, place)
