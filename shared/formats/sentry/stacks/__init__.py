"""What was thrown -> the text of its stack, as the runtime itself prints it (sentry-rows.md, "Stack text").

So an error has the fingerprint that a client which sends the runtime's own text gives it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from shared.formats.sentry.exceptions import Thrown
from shared.formats.sentry.stacks import dotnet, go, javascript, jvm, php, python, ruby

Print = Callable[[Thrown], str]

_PRINTS: Final[Mapping[str, Print]] = {
    "python": python.printed,
    "java": jvm.printed,
    "kotlin": jvm.printed,
    "csharp": dotnet.printed,
    "ruby": ruby.printed,
    "php": php.printed,
    "go": go.printed,
}
"""Platform -> how its runtime prints; all others are printed as JavaScript."""


def stack_text(platform: str, thrown: Thrown | None) -> str:
    """'' where no exception of the chain has frames."""
    if thrown is None or not any(each.frames for each in thrown.all()):
        return ""
    return _PRINTS.get(platform, javascript.printed)(thrown)
