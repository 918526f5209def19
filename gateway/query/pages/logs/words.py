"""The texts that a query looks for."""

from gateway.query.language import Node
from gateway.query.language.edits import parts
from gateway.query.language.nodes import Text


def words_of(tree: Node) -> list[str]:
    """To be marked where they stand."""
    return [part.text for part in parts(tree) if isinstance(part, Text)]
