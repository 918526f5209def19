""".NET and Mono: async state machines, closures and local functions carry names that the compiler made."""

import re
from functools import lru_cache

from shared.fingerprint.v2.languages.at_lines import AT, thrown_of
from shared.fingerprint.v2.model import LONGEST_CHAIN, Frame, Language, Place, Thrown
from shared.fingerprint.v2.places import placed

_FRAME = re.compile(r"^(?:\(wrapper [\w-]{1,40}\) )?([\w.`<>|+$/:,\[\]-]{1,500}) ?\(")
_LINE = re.compile(r" in .{1,900}:line \d+$|\[0x[0-9a-f]+\] in |^[\w.`<>|+$]+\.[\w<>|`.\[\],]+\([^)]*\)$")
_ARROW = re.compile(r"^ {0,9}-{3}> (?:\(Inner Exception #\d{1,4}\) )?", re.MULTILINE)
_END = re.compile(r"^ {0,9}--- End of (?:inner exception stack trace|managed [^\n]{1,80}) ---$", re.MULTILINE)
_NAMED = re.compile(r"<(\w{1,200})>")
_FOREIGN = re.compile(
    r"^(?:(?P<runtime>System|Mono|Internal|Interop|MS)\.|(?P<dependency>Microsoft|Newtonsoft|Npgsql|MySql|Dapper"
    r"|Serilog|NLog|MediatR|AutoMapper"
    r"|StackExchange|Grpc|Polly|FluentValidation|MassTransit|Hangfire|NUnit|Xunit|Castle|RabbitMQ|MongoDB|Oracle"
    r"|Amazon|Azure|UnityEngine)\.|lambda_method)"
)
_SDK = re.compile(r"^(?:Sentry|OpenTelemetry)\.")
_ARGUMENTS = re.compile(r"\[[^\]]{0,300}\]{1,4}")
_SEPARATOR = re.compile(r"[.+/:]")
_ENTRIES = frozenset({"Main", "<Main>$"})


def thrown(text: str) -> list[Thrown]:
    call = AT.search(text)
    if call is None or not _LINE.search(call[1]) or not _FRAME.match(call[1]):
        return []
    if "---> " not in text:
        return [thrown_of(text)]
    return _chain(text)


def _chain(text: str) -> list[Thrown]:
    """Inner errors stand between the outer header and the outer frames."""
    heads = _ARROW.split(text, LONGEST_CHAIN)
    bodies = _END.split(heads[-1])
    found = [thrown_of(head + "\n" + body) for head, body in zip(heads[:-1], reversed(bodies[1:]), strict=False)]
    found += [thrown_of(head) for head in heads[len(found) : -1]]
    return [*found, thrown_of(bodies[0])]


@lru_cache(512)
def frame(call: str) -> Frame | None:
    found = _FRAME.match(call)
    if found is None or _SDK.match(found[1]):
        return None
    foreign = _FOREIGN.match(found[1])
    return Frame(plain(found[1]), "", not foreign, (foreign.lastgroup or "") if foreign else "own namespace")


def place(call: str) -> Place:
    function, _, at = call.partition(" in ")
    return placed(function, at)


def plain(path: str) -> str:
    """`Class.Method`, the method around a state machine, a closure or a local function."""
    *classes, method = [part for part in _SEPARATOR.split(_ARGUMENTS.sub("", path)) if part]
    around = [found[1] for part in [*classes, method] if (found := _NAMED.search(part))]
    named = [part.split("`", 1)[0] for part in classes if "<" not in part and part]
    function = around[0] if around else method.split("`", 1)[0]
    return "" if function in _ENTRIES else f"{named[-1]}.{function}" if named else function


LANGUAGE = Language("dotnet", thrown, frame, place)
