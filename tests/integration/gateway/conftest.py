"""Gateways that the tests of one file share, one with usual and one with short timeouts, and a way to start another."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from shared.clients.redis import Redis
from shared.metrics import Metrics
from tests.integration.gateway.gateway_process import GatewayProcess, Keys, make_keys

StartGateway = Callable[..., GatewayProcess]

IMPATIENT = {"head_timeout_s": 1, "body_timeout_s": 1, "publish_timeout_s": 2}
PATIENT = {"head_timeout_s": 60, "body_timeout_s": 60, "publish_timeout_s": 60, "shutdown_s": 60}
"""On a busy machine a good request may take seconds: only a test of a timeout may have a short one."""


@pytest.fixture(scope="session")
def keys_url(postgres_url: str) -> Iterator[str]:
    """The URL of a database with the project and the keys of these tests."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def keys(keys_url: str) -> Keys:
    return make_keys(keys_url)


@pytest.fixture(scope="module")
def start_gateway(
    keys_url: str, keys: Keys, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartGateway]:
    """Starts a gateway: `start_gateway(body_timeout_s=1, redis_url=...)`, settings of the group `gateway`."""
    with ExitStack() as stack:

        def start(redis_url: str = redis_url, **settings: object) -> GatewayProcess:
            folder: Path = tmp_path_factory.mktemp("gateway")
            services = {"SLUICE_POSTGRES_URL": keys_url, "SLUICE_REDIS_URL": redis_url}
            gateway = GatewayProcess(folder, keys, services, **{**PATIENT, **settings})
            stack.callback(gateway.stop)
            return gateway

        yield start


@pytest.fixture(scope="module")
def gateway(start_gateway: StartGateway) -> GatewayProcess:
    return start_gateway()


@pytest.fixture(scope="module")
def impatient_gateway(start_gateway: StartGateway) -> GatewayProcess:
    return start_gateway(**IMPATIENT)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis(redis_url, timeout_s=30)
    yield client
    await client.close()
