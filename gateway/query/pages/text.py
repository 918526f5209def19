"""Stored text for a page: colours of ANSI sequences, characters that nobody would see, and what was searched for
(pages.md, "Stored text").

Pieces of text with the classes of a stylesheet; the template escapes them. No stored byte is ever passed on as markup.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MAX_SHOWN = 2_000
"""Characters of a message in a list; the whole of it is in the opened row."""

_COLOURS = re.compile(r"\x1b\[([0-9;:]{0,64})m")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e01ef]"
)
"""Controls, of which those of direction could turn the text around that follows them, and tags, which could say
something that nobody sees."""

_STYLES = {1: "a-bold", 2: "a-dim", 3: "a-italic", 4: "a-under"}


class Piece(NamedTuple):
    text: str
    css: str = ""
    """Classes; '' for none."""


def pieces(text: str, words: Sequence[str] = (), most: int | None = None) -> list[Piece]:
    """The text as it is shown. `words`: what is marked in it, in any case; `most`: characters that are shown."""
    cut = most is not None and len(text) > most
    found = [
        shown
        for coloured in _coloured(text[:most] if cut else text)
        for marked in _marked(coloured, words)
        for shown in _visible(marked)
    ]
    return [*found, Piece("…")] if cut else found


def plain(text: str) -> str:
    """The text for a title or an attribute: without colours, with signs for what can't be seen."""
    return "".join(piece.text for coloured in _coloured(text) for piece in _visible(coloured))


def _coloured(text: str) -> Iterator[Piece]:
    """Its parts between colour sequences, which go; every other sequence stays as the text that it is."""
    style: dict[str, str] = {}
    at = 0
    for found in _COLOURS.finditer(text):
        if found.start() > at:
            yield Piece(text[at : found.start()], " ".join(style.values()))
        style = _restyled(style, found[1])
        at = found.end()
    if at < len(text):
        yield Piece(text[at:], " ".join(style.values()))


def _restyled(style: dict[str, str], codes: str) -> dict[str, str]:
    """The style after a sequence. `style`: kind -> class."""
    style = dict(style)
    numbers = iter(int(code or 0) for code in codes.replace(":", ";").split(";")[:16])
    for number in numbers:
        if number == 0:
            style.clear()
        elif number in _STYLES:
            style[_STYLES[number]] = _STYLES[number]
        elif number == 22:
            style.pop("a-bold", None), style.pop("a-dim", None)
        elif number in (23, 24):
            style.pop(_STYLES[number - 20], None)
        elif number in (39, 49):
            style.pop("colour" if number == 39 else "ground", None)
        elif number in (38, 48):
            _set(style, number - 8, _of_palette(numbers))
        elif 30 <= number <= 37 or 90 <= number <= 97:
            style["colour"] = f"a-{number % 10 + (8 if number >= 90 else 0)}"
        elif 40 <= number <= 47 or 100 <= number <= 107:
            style["ground"] = f"a-on a-on-{number % 10 + (8 if number >= 100 else 0)}"
    return style


def _set(style: dict[str, str], base: int, colour: int | None) -> None:
    if colour is not None:
        style["colour" if base == 30 else "ground"] = f"a-{colour}" if base == 30 else f"a-on a-on-{colour}"


def _of_palette(numbers: Iterator[int]) -> int | None:
    """The colour that 38 or 48 chooses, of the first sixteen the same, of others the nearest of eight."""
    kind = next(numbers, 0)
    if kind == 5:
        number = next(numbers, 0)
        if number < 16:
            return number
        if number > 231:
            return 7 if number > 243 else 8
        number -= 16
        return _nearest(number // 36 * 51, number // 6 % 6 * 51, number % 6 * 51)
    if kind == 2:
        return _nearest(next(numbers, 0), next(numbers, 0), next(numbers, 0))
    return None


def _nearest(red: int, green: int, blue: int) -> int:
    return (red > 127) + 2 * (green > 127) + 4 * (blue > 127)


def _marked(piece: Piece, words: Sequence[str]) -> Iterator[Piece]:
    sought = [re.escape(word) for word in words if word]
    if not sought:
        yield piece
        return
    at = 0
    for found in re.finditer("|".join(sought), piece.text, re.IGNORECASE):
        if found.start() > at:
            yield Piece(piece.text[at : found.start()], piece.css)
        yield Piece(found[0], f"{piece.css} hit".strip())
        at = found.end()
    if at < len(piece.text):
        yield Piece(piece.text[at:], piece.css)


def _visible(piece: Piece) -> Iterator[Piece]:
    """With a sign for each character that can't be seen."""
    at = 0
    for found in _UNSEEN.finditer(piece.text):
        if found.start() > at:
            yield Piece(piece.text[at : found.start()], piece.css)
        yield Piece(_sign(found[0]), "ctl")
        at = found.end()
    if at < len(piece.text):
        yield Piece(piece.text[at:], piece.css)


def _sign(char: str) -> str:
    code = ord(char)
    if code < 32:
        return chr(0x2400 + code)
    return "\u2421" if code == 127 else f"U+{code:04X}"
