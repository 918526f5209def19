"""Where the tests find each service: an address in the environment, else an engine on this machine, else Docker."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.local.clickhouse import ClickHouse
from deploy.local.engine import Engine, Unavailable
from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey

CHROMIUM, NODE, COLLECTOR, PROMETHEUS, KUBECTL = "chromium", "node", "collector", "prometheus", "kubectl"
PROGRAMS = (CHROMIUM, NODE, COLLECTOR, PROMETHEUS, KUBECTL)

REQUIRE = "SLUICE_TEST_REQUIRE"
"""Comma-separated services and programs. Tests that need one of these fail without it, instead of being skipped."""


@dataclass(frozen=True)
class Container:
    """How Docker runs a service. `{port}` in `environment` is the port on the host."""

    image: str
    port: int
    url: str
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    name: str
    engine: Callable[[Path], Engine]
    version: Callable[[], str]
    container: Container

    @property
    def variable(self) -> str:
        return f"SLUICE_TEST_{self.name.upper()}_URL"

    def describe(self) -> str:
        """One line for the header of the run. It starts nothing."""
        if self.variable in os.environ:
            return f"{self.name} from {self.variable}"
        try:
            return f"{self.name} {self.version()}"
        except Unavailable as error:
            return f"{self.name}: {error}"

    @contextmanager
    def url(self, folder: Path) -> Any:
        """The address of the service while the `with` lasts. Raises `Unavailable`."""
        if given := os.environ.get(self.variable):
            yield given
            return
        try:
            self.version()
        except Unavailable as error:
            if not docker_answers():
                raise Unavailable(f"{error} (and no Docker engine answers)") from error
            with run_container(self.container) as url:
                yield url
            return
        with self.engine(folder / self.name) as engine:
            yield engine.url


SERVICES = {
    service.name: service
    for service in (
        Service(
            "clickhouse",
            lambda folder: ClickHouse(folder, password="for-tests"),
            ClickHouse.version,
            Container(
                "clickhouse/clickhouse-server:26.9",
                9000,
                "clickhouse://sluice:for-tests@127.0.0.1:{port}/sluice",
                "Ready for connections",
                {"CLICKHOUSE_USER": "sluice", "CLICKHOUSE_PASSWORD": "for-tests", "CLICKHOUSE_DB": "sluice"},
            ),
        ),
        Service(
            "postgres",
            lambda folder: Postgres(folder, password="for-tests"),
            Postgres.version,
            Container(
                "postgres:18",
                5432,
                "postgresql://postgres:for-tests@127.0.0.1:{port}/sluice",
                "listening on IPv4 address",
                {"POSTGRES_PASSWORD": "for-tests", "POSTGRES_DB": "sluice"},
            ),
        ),
        Service(
            "redis",
            lambda folder: Valkey(folder),
            Valkey.version,
            Container("valkey/valkey:9", 6379, "redis://127.0.0.1:{port}/0", "Ready to accept connections"),
        ),
        Service(
            "kafka",
            lambda folder: Kafka(folder),
            Kafka.version,
            Container(
                "apache/kafka:4.3.1",
                9092,
                "kafka://127.0.0.1:{port}",
                "Kafka Server started",
                {
                    "KAFKA_NODE_ID": "1",
                    "KAFKA_PROCESS_ROLES": "broker,controller",
                    "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
                    "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://127.0.0.1:{port}",
                    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
                    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
                    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
                    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
                    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
                    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
                    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
                },
            ),
        ),
    )
}


def required() -> set[str]:
    """The services and programs that `SLUICE_TEST_REQUIRE` names. Raises `ValueError` for an unknown name."""
    names = {name.strip() for name in os.environ.get(REQUIRE, "").split(",")} - {""}
    if unknown := names - {*SERVICES, *PROGRAMS}:
        raise ValueError(f"{REQUIRE} names {', '.join(sorted(unknown))}; there are {', '.join([*SERVICES, *PROGRAMS])}")
    return names


def docker_answers() -> bool:
    """True if a Docker engine answers. Asked without Docker's client, which leaks sockets when there is none."""
    where = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    unix = where.scheme == "unix"
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as engine:
        engine.settimeout(2)
        try:
            engine.connect(where.path if unix else (where.hostname, where.port))
            engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in engine.recv(64)
        except OSError:
            return False


@contextmanager
def run_container(container: Container) -> Any:
    """Run the container; gives its address."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    port = free_port()
    running = DockerContainer(container.image).with_bind_ports(container.port, port)
    for name, value in container.environment.items():
        running = running.with_env(name, value.format(port=port))
    entered: AbstractContextManager[Any] = running
    with entered:
        wait_for_logs(running, container.ready, timeout=120)
        yield container.url.format(port=port)
