"""Endpoints outside ingest's own path, their answers counted as ingest's are."""

from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.request import ClientGone
from gateway.rejections import InternalError, Rejection
from shared.metrics import Metrics

NOBODY_READS = 499
"""The status of an answer to a client that has hung up: it is never sent."""

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def counted(metrics: Metrics, route: str, outcome: str, endpoint: Endpoint) -> Endpoint:
    """The endpoint, its requests counted and timed by route and outcome. `outcome`: that of an answer which is no
    refusal."""
    seconds = metrics.request_seconds.of(route)

    async def counting(request: Request) -> Response:
        started = perf_counter()
        try:
            answer = await endpoint(request)
        except ClientGone:
            metrics.requests.labels(route, "client_gone").inc()
            return Response(status_code=NOBODY_READS)
        except Exception as error:
            refusal = error if isinstance(error, Rejection) else InternalError
            metrics.requests.labels(route, refusal.reason).inc()
            raise
        finally:
            seconds.observe(perf_counter() - started)
        metrics.requests.labels(route, outcome).inc()
        return answer

    return counting
