"""What was thrown -> the text of its stack, as the runtime itself prints it (sentry-rows.md, "Stack text").

So an error has the fingerprint that a client which sends the runtime's own text gives it.
"""

from collections.abc import Callable, Mapping
from math import inf
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


_CUT: Final = "\n...\n"


def stack_text(platform: str, thrown: Thrown | None, most: float = inf) -> str:
    """'' where no exception of the chain has frames. Of a text with more than `most` characters both ends."""
    if thrown is None or not any(each.frames for each in thrown.all()):
        return ""
    printed = _PRINTS.get(platform, javascript.printed)(thrown)
    if len(printed) <= most:
        return printed
    tail = int(most) // 4
    return f"{printed[: int(most) - tail]}{_CUT}{printed[len(printed) - tail :]}"
