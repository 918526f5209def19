"""What a text is read into: errors thrown, their frames, and the parts that make the fingerprint."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from shared.fingerprint.v2.classes import MessageClass

LONGEST_CHAIN: Final = 8
"""Errors of a chain that are read."""


class Frame(NamedTuple):
    """One call as it is compared: no line, no column, nothing that a build or a folder decides."""

    function: str
    """'' for an anonymous one, and for the entry of a program."""
    file: str
    """'' where the function's name says where it stands, as in Java."""
    own: bool
    why: str
    """Why it is the application's own, or not."""
    minified: bool = False
    in_browser: bool = False
    """Safari leaves tail calls out: only the innermost function is in every engine's print."""

    @property
    def text(self) -> str:
        return f"{self.function or '?'}@{self.file}" if self.file else self.function or "?"


class Place(NamedTuple):
    """Where a call stands, as it was printed. It never counts: a build and a release change it."""

    function: str = ""
    file: str = ""
    line: int = 0
    """From 1, as the column; 0 where none was printed."""
    column: int = 0


class Thrown(NamedTuple):
    """One error of a chain."""

    type: str
    message: str
    calls: Sequence[str]
    """The text of each frame, the innermost first; `Language.frame` and `Language.place` read one."""
    code: str = ""
    """What Node prints beside the type: `ERR_INVALID_ARG_TYPE`."""


class Language(NamedTuple):
    """How the runtimes of one family print an error."""

    name: str
    thrown: Callable[[str], list[Thrown]]
    """All errors of a chain, the one that was caught first; [] if the text is in another language."""
    frame: Callable[[str], Frame | None]
    """One call; None for what isn't a call or belongs to an SDK that reports errors."""
    place: Callable[[str], Place]
    classes: Sequence[MessageClass] = ()
    """The messages that the runtime makes itself."""
    always_prints_causes: bool = True
    """Whether each printer of the family prints the whole chain."""


class Parts(NamedTuple):
    """What is hashed. Two errors with equal parts are one group."""

    types: list[str]
    frames: list[str]
    message: str | None


class Reading(NamedTuple):
    """All that is known of an error: for the fingerprint, and for a person who asks why."""

    language: Language
    type: str
    thrown: list[Thrown]
    message: str
    rule: str
    """Which rule chose the parts."""
    parts: Parts
