"""A pattern as it is shown: what varies stands out."""

from collections.abc import Sequence

from gateway.query.pages.text import Piece, pieces

VARIES = "var"
"""Class of a piece."""


def pattern_pieces(pattern: str, words: Sequence[str] = ()) -> list[Piece]:
    """The text as `pieces` shows it, each `*` a piece of its own."""
    found: list[Piece] = []
    for piece in pieces(pattern, words):
        if piece.css:
            found.append(piece)
            continue
        for n, text in enumerate(piece.text.split("*")):
            found += [Piece("*", VARIES)] if n else []
            found += [Piece(text)] if text else []
    return found
