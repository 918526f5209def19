"""A route that can say what it is."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.routing import Route

from gateway.openapi.schemas import Components, Json

Describe = Callable[[Components], Json]
"""Makes the OpenAPI Operation Object of one method, putting the schemas it refers to into the components."""

Operations = Mapping[str, Describe]
"""HTTP method -> what it does. `HEAD` follows from `GET`."""


class Described(Route):
    """A route whose methods are those that it describes: none can be served and not documented."""

    def __init__(self, path: str, endpoint: Callable[..., Any], operations: Operations) -> None:
        super().__init__(path, endpoint, methods=list(operations))
        self.operations = operations
