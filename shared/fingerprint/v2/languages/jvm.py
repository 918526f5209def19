"""Java, Kotlin and Scala: one stack format; compilers name closures each in their way."""

import re
from functools import lru_cache

from shared.fingerprint.v2.classes import kind
from shared.fingerprint.v2.languages.at_lines import AT, thrown_of
from shared.fingerprint.v2.model import LONGEST_CHAIN, Frame, Language, Place, Thrown
from shared.fingerprint.v2.places import placed

_FRAME = re.compile(r"^(?:[\w.@-]{1,200}/{1,2}){0,2}([\w.$<>/-]{1,400})\.([\w$<>-]{1,200})\(([^()\n]{0,200})\)")
_SOURCE = re.compile(
    r"[\w$-]+\.(?:java|kt|kts|scala|groovy|clj)(?::\d+)?$|Native Method$|Unknown Source|SourceFile|r8-map-id"
    r"|[\w$-]{1,3}:\d+$|unavailable:|D8\$\$|Proguard"
)
_LINK = re.compile(r"^(?:Caused by: |Wrapped by: )", re.MULTILINE)
_SUPPRESSED = re.compile(r"^\t{1,8}Suppressed: [^\n]{0,1000}(?:\n\t{2,9}[^\n]{0,1000})*", re.MULTILINE)
_FOREIGN = re.compile(
    r"^(?:(?P<runtime>java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|dalvik|android|androidx|com\.android"
    r"|groovy|clojure)"
    r"|(?P<dependency>jakarta|org\.(?:springframework|apache|hibernate|eclipse|jboss|wildfly|junit|gradle"
    r"|postgresql|mongodb|slf4j|jetbrains"
    r"|reactivestreams|thymeleaf|glassfish|codehaus|mockito|jooq|redisson|aspectj|elasticsearch|opensearch|quartz)"
    r"|com\.(?:fasterxml|google|zaxxer|mysql|netflix|amazonaws|azure|mongodb|squareup|typesafe|oracle|datastax"
    r"|rabbitmq|graphql|lightbend)"
    r"|io\.(?:netty|micronaut|quarkus|ktor|vertx|grpc|reactivex|projectreactor|lettuce|micrometer|undertow"
    r"|jsonwebtoken|circe)"
    r"|reactor|akka|pekko|play|cats|zio|fs2|http4s|slick|doobie|rx|okhttp3|okio|retrofit2|redis|net\.bytebuddy"
    r"|net\.sf|ch\.qos|liquibase|feign))\."
)
_SDK = re.compile(r"^(?:io\.sentry|io\.opentelemetry)\.")
_COMPILED = frozenset(
    {
        "", "lambda", "anonfun", "anon", "adapted", "default", "Companion", "access", "sam", "i", "f", "package",
        "sp", "Lambda", "invoke", "invokeSuspend", "mcI", "jvm", "delayedInit", "body", "Impl", "DefaultImpls",
    }
)  # fmt: skip
_NUMBER = re.compile(r"\d|Lambda/|mc[A-Z]+$")
_FORWARDS = frozenset(
    {
        "apply", "run", "call", "get", "accept", "test", "invoke", "invokeSuspend", "applyOrElse", "applyAsLong",
        "applyAsInt",
    }
)  # fmt: skip


def thrown(text: str) -> list[Thrown]:
    call = AT.search(text)
    found = _FRAME.match(call[1]) if call else None
    if found is None or not _SOURCE.search(found[3]):
        return []
    if "Suppressed: " in text:
        text = _SUPPRESSED.sub("", text)
    return [thrown_of(piece) for piece in _LINK.split(text, LONGEST_CHAIN)]


@lru_cache(512)
def frame(call: str) -> Frame | None:
    found = _FRAME.match(call)
    if found is None or _SDK.match(found[1]):
        return None
    name, minified = plain(found[1], found[2])
    foreign = _FOREIGN.match(found[1])
    why = (foreign.lastgroup or "") if foreign else "own package"
    return Frame("" if minified else name, "", not foreign, why, minified)


def place(call: str) -> Place:
    found = _FRAME.match(call)
    return placed(f"{found[1]}.{found[2]}", found[3]) if found else Place(call)


def plain(path: str, method: str) -> tuple[str, bool]:
    """(`Class.method`, whether the names are shortened): the function around a closure, whichever compiler named it."""
    parts = path.replace("/", ".").rsplit(".", 1)[-1].split("$$", 1)[0].split("$")
    named = [part for part in parts if part not in _COMPILED and not _NUMBER.match(part)]
    classes = [part for part in named if not part[0].islower()] or named[:1]
    around = [part for part in named if part[0].islower()]
    inner = [part for part in method.split("$") if part not in _COMPILED and not _NUMBER.match(part)] or [method]
    is_closure = len(named) < len(parts) and method in _FORWARDS and "$" in path and not path.endswith("$")
    function = around[0] if around else "" if is_closure else inner[0]
    if function == "main":
        return "", False
    function = function.removesuffix("_delegate")  # Kotlin 2 names the closure of a delegated property so
    short = len(path.rsplit(".", 1)[-1]) <= 2 and len(method) <= 2
    return ".".join([*classes, function] if function else classes), short


CLASSES = (
    kind(
        "Cannot ",
        r"^Cannot (?:invoke|read|assign|load|store|throw"
        r"|enter)[a-z ]{0,30}(?: \"([^\"\n]{1,200})\")? because ",
        "null",
    ),
    kind("Cannot ", r"^Cannot (?:invoke|read field|assign field) \"([^\"\n]{1,200})\"$", "null"),
    kind(" cannot be cast to ", r" cannot be cast to (?:class )?([\w.$]{1,200})", "cast"),
    kind("lateinit property", r"^lateinit property (\w{1,100})", "lateinit"),
)

LANGUAGE = Language("jvm", thrown, frame, place, CLASSES)
