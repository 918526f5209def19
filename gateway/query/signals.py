"""What can be read: every folder beside this file with `routes`, which makes its routes. Most of them are signals."""

import importlib
import pkgutil

from starlette.routing import Route

import gateway.query
from gateway.openapi import Described
from gateway.openapi.route import joined
from gateway.query.deps import QueryDeps


def query_routes(deps: QueryDeps) -> list[Route]:
    """The routes of all of them; those whose last part may be anything come behind the others, and last those that end
    in a path of any length, as they take what stands below them. They raise `Rejection`; `build_app` answers it."""
    signals = [
        importlib.import_module(f"{gateway.query.__name__}.{found.name}")
        for found in pkgutil.iter_modules(gateway.query.__path__)
        if found.ispkg
    ]
    made = [route for signal in signals if hasattr(signal, "routes") for route in signal.routes(deps)]
    pages = [route for route in made if not isinstance(route, Described)]
    routes = [*joined(route for route in made if isinstance(route, Described)), *pages]
    return sorted(routes, key=lambda route: [route.path.rstrip("/").endswith(end) for end in (":path}", "}")])
