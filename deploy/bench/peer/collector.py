"""The OpenTelemetry Collector as a side: OTLP -> Kafka, and Kafka -> ClickHouse."""

import asyncio
import http.client
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from deploy.bench.engines import Engines
from deploy.bench.load import request
from deploy.bench.peer import otlp
from deploy.bench.peer.build import binary
from deploy.bench.peer.entries import DATA, Entry
from deploy.local.child import Child, Command
from deploy.local.ports import HOST, free_port
from shared import settings
from shared.clients.clickhouse import ClickHouse
from shared.queue import open_queue
from shared.queue.base import TopicSpec

_GATEWAY = Path(__file__).with_name("gateway.yaml")
_WRITER = Path(__file__).with_name("writer.yaml")
_RETENTION_MS = 86_400_000
_LARGEST_MESSAGE = 2_000_000


class CollectorProcess(Child):
    """The Collector with one configuration, on one core as Sluice's processes are: `GOMAXPROCS=1`."""

    def __init__(self, log: Path, config: Path, environment: Mapping[str, str]) -> None:
        super().__init__(log)
        self._config = config
        self._environment = environment
        self._metrics_port: int | None = None

    def before_try(self) -> None:
        super().before_try()
        self._metrics_port = free_port(self._metrics_port)

    def command(self) -> Command:
        environment = {"GOMAXPROCS": "1", "PEER_METRICS_PORT": str(self._metrics_port), **self._environment}
        return Command([binary(), f"--config={self._config}"], env=environment)

    def answers(self) -> bool:
        return _answers(self._metrics_port, "GET", "/metrics")


class CollectorGateway(CollectorProcess):
    """`port` takes OTLP over HTTP."""

    role = "Collector's gateway"

    def command(self) -> Command:
        command = super().command()
        return Command(command.argv, env={**command.env, "PEER_ADDRESS": f"{HOST}:{self.port}"})

    def answers(self) -> bool:
        return _answers(self.port, "POST", "/v1/logs")


class CollectorWriter(CollectorProcess):
    role = "Collector's writer"


class Collector:
    """The side; `prepare` comes first."""

    name = "Collector"
    database = "collector"
    table = "otel_logs"
    clear = "DROP TABLE IF EXISTS collector.otel_logs SYNC"  # the exporter makes it

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._log = engines.folder / "log"
        self._log.mkdir(exist_ok=True)
        self._broker = urlsplit(engines.addresses["SLUICE_QUEUE_URL"]).netloc
        self._clickhouse = urlsplit(engines.addresses["SLUICE_CLICKHOUSE_URL"])

    def prepare(self) -> None:
        """Make the database and the topics, with as many partitions as Sluice's have."""
        with closing(ClickHouse(self._engines.clickhouse_url)) as clickhouse:
            clickhouse.query(f"CREATE DATABASE `{self.database}`")
        asyncio.run(self._make_topics())

    async def _make_topics(self) -> None:
        config = settings.load(self._engines.addresses)
        queue = open_queue(config)
        try:
            await queue.create_topics(
                TopicSpec(self.topic(data), config.topics.partitions.of("logs"), _RETENTION_MS, _LARGEST_MESSAGE)
                for data in ("gateway", *DATA)
            )
        finally:
            await queue.close()

    def gateway(self) -> Child:
        environment = {"PEER_BROKER": self._broker, "PEER_TOPIC": self.topic("gateway")}
        return CollectorGateway(self._log / "collector-gateway.log", _GATEWAY, environment)

    def request(self, port: int, entries: list[Entry]) -> bytes:
        return request("/v1/logs", port, {"Content-Type": otlp.CONTENT_TYPE}, self.message(entries))

    def topic(self, data: str) -> str:
        return f"collector_{data}"

    def message(self, entries: list[Entry]) -> bytes:
        return otlp.body(entries)

    def writer(self, data: str, number: int) -> Child:
        environment = {
            "PEER_BROKER": self._broker,
            "PEER_TOPIC": self.topic(data),
            "PEER_GROUP": f"collector-{data}-{number}",
            "PEER_CLICKHOUSE": f"tcp://{HOST}:{self._clickhouse.port}",
            "PEER_USER": self._clickhouse.username or "default",
            "PEER_DATABASE": self.database,
        }
        return CollectorWriter(self._log / "collector-writer.log", _WRITER, environment)


def _answers(port: int | None, method: str, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=0.5)
    try:
        connection.request(method, path, headers={"Content-Type": otlp.CONTENT_TYPE})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
