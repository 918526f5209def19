"""Where a command writes: what was found to standard output, what there is to say about it to standard error."""

import io
import sys
from collections.abc import Iterable

from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

from shared.commands.visible import visible

_BACK_AND_CLEAR = "\r\x1b[K"


class Terminal:
    """Texts given to it hold nothing that a terminal obeys: `visible` or `json_line` made them.

    1. Colours and cut lines only where standard output is a terminal; no colours with `NO_COLOR` either.
    2. Progress is one line that is overwritten, only where standard error is a terminal.
    3. A write to a pipe that nobody reads any more raises `BrokenPipeError`.
    """

    def __init__(self) -> None:
        out, err = Console(), Console(stderr=True)
        self.width = out.width if out.is_terminal else None
        """Cells of a line; None where lines have no end."""
        self._out = _colours(out)
        self._err = _colours(err)
        self._overwrites = err.is_terminal and not err.is_dumb_terminal
        self._in_progress = False
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # what a terminal without UTF-8 can't show

    def painted(self, text: str, style: str) -> str:
        """The text in a style, as Rich names styles."""
        return Style.parse(style).render(text, color_system=self._out) if style else text

    def write(self, lines: Iterable[str]) -> None:
        self.clear()
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()

    def say(self, sentence: str, label: str = "") -> None:
        """A line on standard error. `label`: what kind of sentence it is."""
        self.clear()
        if label:
            label = Style.parse("yellow").render(f"{label}:", color_system=self._err) + " "
        sys.stderr.write(f"{label}{visible(sentence)}\n")
        sys.stderr.flush()

    def progress(self, sentence: str) -> None:
        if self._overwrites:
            self._in_progress = True
            sys.stderr.write(_BACK_AND_CLEAR + sentence)
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the progress away."""
        if self._in_progress:
            self._in_progress = False
            sys.stderr.write(_BACK_AND_CLEAR)
            sys.stderr.flush()


def _colours(console: Console) -> ColorSystem | None:
    shown = console.is_terminal and not console.no_color and console.color_system is not None
    return ColorSystem.STANDARD if shown else None
