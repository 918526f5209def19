"""`GET /openapi.json`: generated from the routes, the formats' structs and the tree of refusals; nothing is maintained
by hand. It holds exactly the routes that are served, those of extensions included.
"""

from gateway.openapi.document import Document
from gateway.openapi.route import Describe, Described, Operations
from gateway.openapi.schemas import Components, Json

__all__ = ["Components", "Describe", "Described", "Document", "Json", "Operations"]
