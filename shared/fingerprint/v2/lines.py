"""Looks for lines. `re` finds a newline at once, but tries `^` at every character.

So an expression for a line begins with a newline, and the text gets one before its first line. What a match spans
begins at the same place of the text itself.
"""

import re
from typing import Any


def search(line: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The first such line."""
    return line.search(f"\n{text}")


def every(line: re.Pattern[str], text: str) -> list[Any]:
    """The group of each such line, or their tuple if there are several."""
    return line.findall(f"\n{text}")


def split(line: re.Pattern[str], text: str, most: int = 0) -> list[str]:
    """The text between at most so many beginnings of such lines, 0 for all of them."""
    pieces = line.split(f"\n{text}", most)
    pieces[0] = pieces[0][1:]
    return [*(f"{piece}\n" for piece in pieces[:-1]), pieces[-1]]
