"""A route that describes itself."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.openapi.schemas import Components, Json

Describe = Callable[[Components], Json]
"""Builds the OpenAPI Operation Object of one method, and puts the schemas it refers to into the components."""

Operations = Mapping[str, Describe]
"""HTTP method -> its description. `HEAD` follows from `GET`."""


class Digits(Convertor[str]):
    """`{name:digits}` in a path. Starlette's `int` makes a number of them, which fails where they are thousands."""

    regex = "[0-9]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("digits", Digits())


class Described(Route):
    """A route that serves exactly the methods it describes: none can be served undocumented."""

    def __init__(self, path: str, endpoint: Callable[..., Any], operations: Operations) -> None:
        super().__init__(path, endpoint, methods=list(operations))
        self.operations = operations


def joined(routes: Iterable[Described]) -> list[Described]:
    """The routes, those of one path as one: a path is served by the first route that it fits, whatever the method."""
    by_path: dict[str, list[Described]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    return [same[0] if len(same) == 1 else _join(path, same) for path, same in by_path.items()]


def _join(path: str, routes: list[Described]) -> Described:
    endpoints = {method: route.endpoint for route in routes for method in route.methods or ()}

    async def endpoint(request: Request) -> Response:
        answer: Response = await endpoints[request.method](request)
        return answer

    return Described(path, endpoint, {name: each for route in routes for name, each in route.operations.items()})
