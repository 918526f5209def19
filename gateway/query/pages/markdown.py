"""Pages as Markdown, to be given to an agent (pages.md, "For agents").

What was stored stands between fences, which no stored text can close: whoever reads it can tell it from what we say.
"""

import re

from gateway.query.pages.text import plain

SUFFIX = ".md"
"""At the end of a page's address: the same as Markdown."""

TEMPLATE = ".markdown"
"""How the names of their templates end."""

MOST = 16_000
"""Characters between two fences."""

MAX_LIST = 400_000
"""Characters of a list whose lines were cut already. No list is longer: what is counted above it is there."""

_TICKS = re.compile(r"`{3,}")


def fenced(text: str, most: int = MOST) -> str:
    """Stored text as a block. `most`: characters that are shown."""
    shown = plain(text[:most]).strip("\n") + ("\n… cut here" if len(text) > most else "")
    fence = "`" * (max([2, *map(len, _TICKS.findall(shown))]) + 1)
    return f"{fence}\n{shown}\n{fence}"


def line(text: str, most: int = 500) -> str:
    """Stored text on one line of a block."""
    return text[:most].replace("\n", "⏎") + ("…" if len(text) > most else "")
