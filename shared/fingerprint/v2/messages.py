"""A message as it is compared: what names this one occurrence goes, what names the error stays.

Numbers that are names stay: statuses, error codes, `#418`. Numbers that count, measure, place or identify go.
"""

import re
from functools import lru_cache

from shared.fingerprint.v2.vocabulary import WORDS

_NUMBER_NAMES = (
    r"\b(?i:status|code|http|errno|error|sqlstate|exit|signal)(?: code)?(?:[ :=(]{1,3}|/\d\.\d )#?[A-Z]{0,4}\d{1,6}\b"
    r"|#\d{1,6}\b|\b(?:ORA|E|TS|PGRST|CS|ERR|WSA)-?\d{2,6}\b|\b[A-Z]{2,8}_[A-Z0-9_]{2,60}\b"
    r"|\b[1-5]\d\d (?=(?:OK|Bad|Not|Un|For|Int|Serv|Gate|Too|Pay|Conf|Gone|Prec)\w*)"
)
_PATTERNS = (
    ("name", _NUMBER_NAMES),
    ("url", r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s\"'<>)]{1,500}"),
    ("email", r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,5}"),
    ("n", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
        r"|\b[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b"),
    ("time", r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\b"
        r"|\b\d\d:\d\d:\d\d\b"),
    ("host", r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b|\b(?:localhost"
        r"|(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,12}):\d{1,5}\b|\[[0-9a-f:]{2,45}\](?::\d{1,5})?"),
    ("path", r"(?<![\w/.])(?:[A-Za-z]:)?(?:/[\w.@~%+-]{1,128}){2,32}/?(?::\d{1,9}){0,2}"
        r"|(?<![\w/.])[A-Za-z]:(?:\\[\w.@~ -]{1,128}){1,32}"),
    ("n", r"\b0x[0-9a-fA-F]{1,64}\b|\b(?=[a-f]{0,63}\d)(?=\d{0,63}[a-f])[0-9a-f]{8,64}\b"),
    ("n", r"\b[A-Za-z]{1,16}[_-](?=[A-Za-z0-9_-]{0,63}\d)[A-Za-z0-9_-]{1,64}\b"
        r"|\b(?=[a-zA-Z]{0,31}\d)(?=\d{0,31}[a-zA-Z])[A-Za-z0-9]{10,64}\b"),
    ("n", r"(?<![A-Za-z_])[-+]?\d{1,40}(?:[.,]\d{1,40}){0,12}(?:[eE][-+]?\d{1,4})?(?:ns|us|µs|ms|s|m|h|[kKMG]i?B"
        r"|%)?(?![A-Za-z_])|(?<=[A-Za-z_])\d{2,40}"),
    ("text", r"\"[^\"\n]{33,500}\"|'[^'\n]{33,500}'"),
)  # fmt: skip
_NAMES = [f"{name}{n}" for n, (name, _) in enumerate(_PATTERNS)]
_VARIABLE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, (_, pattern) in zip(_NAMES, _PATTERNS, strict=True)))
_SHOWN = {name: f"<{name.rstrip('0123456789')}>" for name in _NAMES}

_QUOTED = re.compile(
    r"\"([^\"\n]{0,300})\"|`([^`'\n]{0,300})[`']|(?<!\w)'([^'\n]{0,300})'(?!\w)"
    r"|<[^<>\n]{1,100}>|\{[^{}\n]{0,300}\}|\[[^\[\]\n]{0,300}\]"
)
_IDENTIFIER = re.compile(r"[a-z_$][A-Za-z_$.]{0,60}")
_WORD = re.compile(r"[a-zA-Z][\w+.-]{1,15}://\S{1,500}|[^\s=:,;()\[\]{}\"<>|!?]+")
_CODE = re.compile(
    r"[A-Z]{5,30}|[A-Z]{1,20}(?:_[A-Z0-9]{1,30}){1,8}|#\d{1,6}|(?:ORA|TS|PGRST|CS|PLS|E|P)-?\d{3,6}"
    r"|[A-Z][a-z]{1,30}(?:[A-Z][a-z]{1,30}){1,6}"
)
_STATUS = re.compile(r"\d{1,5}|[0-9A-Z]{5}")
_BEFORE_STATUS = frozenset({"status", "code", "http", "errno", "sqlstate", "error", "exit"})
_REASON = re.compile(r"\b([1-5]\d\d) (?=(?:OK|Bad|Not|Un|For|Int|Serv|Gate|Too|Pay|Conf|Gone|Prec)\w*)")
_DIGIT = re.compile(r"\d")
_KEPT = "\x02"
"""Stands before a word that was in quotes and names a thing of the program."""

_NAMING = frozenset(
    {
        "attribute", "argument", "class", "column", "constant", "constraint", "database", "element", "entity", "enum",
        "export", "field", "function", "header", "identifier", "import", "index", "key", "keyword", "member", "method",
        "model", "module", "name", "object", "operator", "option", "package", "parameter", "property", "reading",
        "relation", "schema", "setting", "symbol", "table", "trigger", "variable", "view",
    }
)  # fmt: skip
"""After these, a word in quotes is a name of the program's; elsewhere it may be a value."""

MOST_WORDS = 24


@lru_cache(1024)
def normalised(message: str) -> str:
    """The first two lines, for an error that has nothing but its message: quoted names stay, values go."""
    text = "\n".join(message.split("\n", 2)[:2])[:1024]
    return _VARIABLE.sub(lambda found: found[0] if found.lastgroup == "name0" else _SHOWN[found.lastgroup or ""], text)


def words(message: str) -> str:
    """The plain words of the first line, for an error whose frames say where: names and values become `*`."""
    kept: list[str] = []
    before = ""
    line = message.split("\n", 1)[0][:512].replace("SQLSTATE[", "SQLSTATE ")
    if _DIGIT.search(line):
        line = _REASON.sub(r"HTTP \1 ", line)
    said = _WORD.findall(_QUOTED.sub(_unquoted, line))[: MOST_WORDS * 2]
    for word in said:
        bare = word.strip(".'’-/\\*")
        plain = bare.lower()
        if plain in WORDS or _names(bare, before):
            kept.append(plain if plain in WORDS else bare.lstrip(_KEPT))
        elif not kept or kept[-1] != "*":
            kept.append("*")
        before = plain
    if kept == ["*"] and all(map(_is_plain, said)):  # no word is known, none looks like a value
        kept = said
    return " ".join(kept[:MOST_WORDS])


def _is_plain(word: str) -> bool:
    return word.isalpha() and word.islower()


def _unquoted(found: re.Match[str]) -> str:
    """A name of the program's stays, any other text in quotes goes."""
    inside = found[1] or found[2] or found[3] or ""
    return f" {_KEPT}{inside} " if _IDENTIFIER.fullmatch(inside) else " * "


def _names(word: str, before: str) -> bool:
    """Whether a word that isn't plain says which error it is."""
    return bool(
        (word[:1] == _KEPT and before in _NAMING)
        or _CODE.fullmatch(word)
        or (before in _BEFORE_STATUS and _STATUS.fullmatch(word))
    )
