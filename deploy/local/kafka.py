"""Apache Kafka itself, in one process: the jars come from Maven once, `java` runs them."""

import base64
import os
import re
import shutil
import socket
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path
from string import Template

from deploy.local.child import Command
from deploy.local.engine import Engine, Unavailable
from deploy.local.ports import HOST, free_port

_POM = Path(__file__).with_name("pom.xml")
_LOGGING = Path(__file__).with_name("kafka_log4j2.xml")

# One node: every internal topic has one replica, and few partitions, for a quick start.
_PROPERTIES = Template("""process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://$host:$port,CONTROLLER://$host:$controller_port
advertised.listeners=PLAINTEXT://$host:$port,CONTROLLER://$host:$controller_port
controller.quorum.bootstrap.servers=$host:$controller_port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$data
log.flush.start.offset.checkpoint.interval.ms=1000
auto.create.topics.enable=false
broker.session.timeout.ms=5000
broker.heartbeat.interval.ms=1000
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
""")


class Kafka(Engine):
    """`url` is kafka://127.0.0.1:port. The first start on a machine fetches 43 MB of jars into the user's cache."""

    role = "kafka"
    start_timeout_s = 60.0
    stop_timeout_s = 20.0

    def __init__(self, folder: Path, *, port: int | None = None, log: Path | None = None) -> None:
        super().__init__(folder, port=port, log=log)
        self._controller_port: int | None = None

    @property
    def url(self) -> str:
        return f"kafka://{HOST}:{self.port}"

    @staticmethod
    def version() -> str:
        if shutil.which("java") is None:
            raise Unavailable("no java: install a Java 17 runtime, or set SLUICE_QUEUE_URL=kafka://host:port")
        if not _jars().exists() and shutil.which("mvn") is None:
            raise Unavailable("no mvn to fetch Apache Kafka with: install Maven, or set SLUICE_QUEUE_URL")
        return _wanted_version()

    def before_try(self) -> None:
        self.version()
        super().before_try()
        if not self.answered_once:
            self._controller_port = free_port(self._controller_port)
        properties = _PROPERTIES.substitute(
            host=HOST, port=self.port, controller_port=self._controller_port, data=self.folder / "data"
        )
        (self.folder / "server.properties").write_text(properties)

    def steps(self) -> Iterator[Command]:
        if not _jars().exists():
            yield from _fetch_jars()
        if not (self.folder / "data" / "meta.properties").exists():
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode()
            # One word, since a random id may begin with a dash.
            options = [f"--cluster-id={cluster_id}", "-c", "server.properties", "--standalone"]
            yield self._java(["-XX:TieredStopAtLevel=1"], "kafka.tools.StorageTool", "format", *options)

    def command(self) -> Command:
        return self._java(["-Xms128m", "-Xmx1g", "-XX:+ExitOnOutOfMemoryError"], "kafka.Kafka", "server.properties")

    def answers(self) -> bool:
        try:
            return _brokers(self.port or 0) > 0
        except (OSError, struct.error):
            return False

    def _java(self, flags: list[str], *program: str) -> Command:
        logging = f"-Dlog4j2.configurationFile={_LOGGING}"
        java = shutil.which("java") or "java"
        return Command([java, *flags, logging, "-cp", f"{_jars()}/*", *program], cwd=self.folder)


def _brokers(port: int) -> int:
    """How many brokers a broker knows: a Metadata request, version 4, for no topics. One that isn't ready says none."""
    body = struct.pack(">hhi", 3, 4, 1) + struct.pack(">h6s", 6, b"sluice") + struct.pack(">i?", 0, False)
    with socket.create_connection((HOST, port), timeout=0.5) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        answer = connection.makefile("rb").read(16)  # length, correlation id, throttle time, number of brokers
    count: int = struct.unpack(">iiii", answer)[3]
    return count


def _wanted_version() -> str:
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", _POM.read_text())
    if found is None:
        raise Unavailable(f"{_POM} names no kafka.version")
    return found[1]


def _jars() -> Path:
    """Shared by all data folders of a user: a release never changes."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "sluice" / f"kafka-{_wanted_version()}"


def _fetch_jars() -> Iterator[Command]:
    """Into a folder of our own, renamed when complete: another process may be at the same thing."""
    final = _jars()
    partial = final.with_name(f"{final.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    options = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}", "-DincludeScope=runtime"]
    maven = shutil.which("mvn") or "mvn"
    yield Command(
        [maven, "--batch-mode", "--no-transfer-progress", "-f", _POM, *options],
        doing="fetching Apache Kafka with Maven, 43 MB, once on this machine",
        timeout_s=600.0,
    )
    try:
        partial.rename(final)
    except OSError:  # another process was quicker
        shutil.rmtree(partial)
