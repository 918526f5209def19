"""Ingest requests that are traced, where tracing is on."""

from starlette.types import Receive, Scope, Send

from gateway.app import Dispatch
from gateway.ingest import IngestRoute
from shared.tracing import Tracer


class Traced:
    """The application; of its ingest requests some have a span."""

    def __init__(self, application: Dispatch, tracer: Tracer) -> None:
        self._application = application
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._chosen(scope)
        if route is None:
            await self._application(scope, receive, send)
            return
        with self._tracer.request(f"POST {route.intake.route}"):
            await self._application(scope, receive, send)

    def _chosen(self, scope: Scope) -> IngestRoute | None:
        """The route of a request that is traced."""
        if scope["type"] != "http" or scope["method"] != "POST" or not self._tracer.chosen:
            return None
        return self._application.route_of(scope["path"])
