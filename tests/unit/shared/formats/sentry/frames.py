"""A stack as a runtime printed it -> the event that Sentry's SDK sends of the same error."""

from typing import Any

from shared.fingerprint.v2 import languages
from shared.fingerprint.v2.model import Language, Thrown

PLATFORMS = {"javascript": "node", "jvm": "java", "dotnet": "csharp"}
_WITH_MODULES = ("jvm", "go")


def event_of(kind: str, message: str, stack: str) -> dict[str, Any]:
    """`kind` and `message`: of the main exception, which a browser's stack doesn't say."""
    language, thrown = languages.read(stack)
    values = [_value(language, each) for each in thrown]
    kind = thrown[0].type or kind
    values[0] |= {"type": kind, "value": message.removeprefix(f"{kind}: ")}
    return {"platform": PLATFORMS.get(language.name, language.name), "exception": {"values": values[::-1]}}


def _value(language: Language, thrown: Thrown) -> dict[str, Any]:
    frames = [_frame(language, call) for call in reversed(thrown.calls)]
    if len(frames) > 1 and frames[-1].get("filename") == "[internal function]":  # PHP's SDK says where it was called
        frames[-1] |= {name: frames[-2][name] for name in ("filename", "lineno")}
    return {"type": thrown.type, "value": thrown.message, "stacktrace": {"frames": frames}}


def _frame(language: Language, call: str) -> dict[str, Any]:
    place = language.place(call.strip())  # Mono prints a blank at the end
    frame = {"function": place.function or "?", "filename": place.file, "lineno": place.line or None}
    if language.name == "dotnet" and place.file.startswith("<"):  # Mono's number of an assembly
        del frame["filename"]
    if place.column:
        frame["colno"] = place.column
    if language.name == "jvm":
        frame["module"], _, frame["function"] = place.function.rpartition(".")
    return frame
