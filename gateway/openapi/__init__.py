"""`GET /openapi.json`: made of the routes themselves, the formats' structs and the tree of refusals; nothing is kept
by hand. A route that isn't served is not in it, one that an extension adds is.
"""

from gateway.openapi.document import Document
from gateway.openapi.route import Describe, Described, Operations
from gateway.openapi.schemas import Components, Json

__all__ = ["Components", "Describe", "Described", "Document", "Json", "Operations"]
