"""A route that describes itself."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.routing import Route

from gateway.openapi.schemas import Components, Json

Describe = Callable[[Components], Json]
"""Builds the OpenAPI Operation Object of one method, and puts the schemas it refers to into the components."""

Operations = Mapping[str, Describe]
"""HTTP method -> its description. `HEAD` follows from `GET`."""


class Described(Route):
    """A route that serves exactly the methods it describes: none can be served undocumented."""

    def __init__(self, path: str, endpoint: Callable[..., Any], operations: Operations) -> None:
        super().__init__(path, endpoint, methods=list(operations))
        self.operations = operations
