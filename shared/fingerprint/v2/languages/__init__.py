"""How each family of languages prints its errors, one file a family."""

from typing import Final

from shared.fingerprint.v2.languages import (
    dotnet,
    elixir,
    gecko,
    go,
    javascript,
    jvm,
    perl,
    php,
    python,
    ruby,
    rust,
)
from shared.fingerprint.v2.model import Language, Place, Thrown

ALL: Final[tuple[Language, ...]] = tuple(
    each.LANGUAGE for each in (python, go, rust, elixir, php, perl, jvm, dotnet, javascript, ruby, gecko)
)
"""In this order: a later one reads texts that an earlier one would know better."""

NONE: Final = Language("none", lambda _: [], lambda _: None, Place, javascript.CLASSES)


def read(text: str) -> tuple[Language, list[Thrown]]:
    """The language of a stack, and the errors in it; (`NONE`, []) if no family knows it."""
    for language in ALL:
        if found := language.thrown(text):
            return language, found
    return NONE, []
