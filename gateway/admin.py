"""The admin port: what operators and their tools ask a gateway for, kept away from the public one."""

from gateway.app import Deps
from gateway.health import alive
from shared.endpoint import Answer, Endpoint, json_answer, metrics_page
from shared.settings import BadSetting


def admin_endpoint(deps: Deps) -> Endpoint:
    """`/metrics`, `/health` and `/health/ready` of this process."""

    async def health() -> Answer:
        return json_answer(200, alive())

    async def ready() -> Answer:
        return json_answer(*await deps.readiness.ask())

    return Endpoint({"/metrics": metrics_page(deps.metrics.registry), "/health": health, "/health/ready": ready})


async def start_admin(endpoint: Endpoint, host: str, port: int) -> int:
    """The port that it listens on. Raises `BadSetting` if that can't be had."""
    try:
        return await endpoint.start(host, port)
    except OSError as error:
        raise BadSetting(
            f"SLUICE_GATEWAY_ADMIN_HOST={host}, SLUICE_GATEWAY_ADMIN_PORT={port} can't be listened on:"
            f" {error.strerror or error}; each gateway of a machine needs a port of its own"
        ) from error
