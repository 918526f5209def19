"""The admin port: what operators and their tools ask a gateway for, kept away from the public one."""

from gateway.app import Deps
from gateway.health import alive
from shared.endpoint import Answer, Endpoint, json_answer, metrics_page


def admin_endpoint(deps: Deps) -> Endpoint:
    """`/metrics`, `/health` and `/health/ready` of this process."""

    async def health() -> Answer:
        return json_answer(200, alive())

    async def ready() -> Answer:
        return json_answer(*await deps.readiness.ask())

    return Endpoint({"/metrics": metrics_page(deps.metrics.registry), "/health": health, "/health/ready": ready})
