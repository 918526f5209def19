"""Elixir and Erlang as `Exception.format` and the logger print them."""

import re
from functools import lru_cache

from shared.fingerprint.v2.classes import kind
from shared.fingerprint.v2.files import file_name
from shared.fingerprint.v2.model import Frame, Language, Place, Thrown

_CALL = re.compile(
    r"^ {2,8}(\([\w.]{1,60} [\w.+-]{1,40}\) [^\n]{1,600}|[^\n:]{1,400}\.(?:exs?|erl|eex|heex"
    r"|leex):\d{1,9}: [^\n]{1,400})$",
    re.MULTILINE,
)
_FRAME = re.compile(r"^(?:\(([\w.]{1,60}) [\w.+-]{1,40}\) )?(?:([^\n:]{1,400}):(\d{1,9}): )?(.{1,400})$")
_HEADER = re.compile(r"^[^\n]{0,120}?\*\* \((?:([A-Z][\w.]{0,100})|(\w{1,40}))\) ?([^\n]{0,1000})", re.MULTILINE)
_RUNTIME = frozenset(
    {
        "elixir", "stdlib", "kernel", "mix", "ex_unit", "iex", "logger", "phoenix", "phoenix_live_view", "plug",
        "plug_cowboy", "cowboy", "ecto", "ecto_sql", "db_connection", "postgrex", "bandit", "thousand_island",
        "oban", "broadway", "gen_stage", "absinthe", "finch", "mint", "tesla",
    }
)  # fmt: skip
_CLOSURE = re.compile(r"^(?:anonymous )?fn/\d+ in (.+)$")
_NOT_ARITY = re.compile(r"/\d+$|\(.*$")
_ENTRY = re.compile(r"^:elixir_compiler|^\(file\)|^\(module\)|__FILE__")


def thrown(text: str) -> list[Thrown]:
    if "** (" not in text:
        return []
    found = _HEADER.search(text)
    calls = _CALL.findall(text)
    if found is None:
        return []
    return [Thrown((found[1] or found[2] or "").rsplit(".", 1)[-1], found[3], calls)]


@lru_cache(512)
def frame(call: str) -> Frame | None:
    found = _FRAME.match(call)
    if found is None:
        return None
    library = found[1] or ""
    is_foreign = library in _RUNTIME or "/deps/" in (found[2] or "")
    return Frame(plain(found[4]), file_name(found[2] or ""), not is_foreign, "dependency" if is_foreign else "own file")


def place(call: str) -> Place:
    found = _FRAME.match(call)
    return Place(found[4], found[2] or "", int(found[3] or 0)) if found else Place(call)


def plain(function: str) -> str:
    """`anonymous fn/1 in Garden.Bed.count/1` -> `Garden.Bed.count`."""
    if inside := _CLOSURE.match(function):
        function = inside[1]
    if _ENTRY.search(function):
        return ""
    name = _NOT_ARITY.sub("", function)
    if '."-' in name:  # a closure as Erlang names it: Mod."-count/1-fun-0-"
        name = name.replace('."-', ".").partition("/")[0]
    return name


CLASSES = (
    kind(" not found", r"^key :(\w{1,60}) not found", "key"),
    kind(" is undefined", r"^function ([\w.:]{1,200}/\d{1,3}) is undefined", "undefined"),
    kind("no function clause", r"^no function clause matching in ([\w.:]{1,200})", "clause"),
    kind("no ", r"^no (match|case clause|cond clause|with clause)", "no"),
)

LANGUAGE = Language("elixir", thrown, frame, place, CLASSES)
