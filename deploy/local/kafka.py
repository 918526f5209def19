"""Apache Kafka itself, in one process or in several: the jars come from Maven once, `java` runs them."""

import base64
import os
import re
import shutil
import socket
import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from deploy.local.child import Command
from deploy.local.engine import Engine, Unavailable
from deploy.local.ports import HOST, free_port

_POM = Path(__file__).with_name("pom.xml")
_LOGGING = Path(__file__).with_name("kafka_log4j2.xml")

# Few partitions of internal topics, for a quick start.
_PROPERTIES = Template("""process.roles=broker,controller
node.id=$node
listeners=PLAINTEXT://$host:$port,CONTROLLER://$host:$controller_port
advertised.listeners=PLAINTEXT://$host:$port,CONTROLLER://$host:$controller_port
$quorum
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$data
log.flush.start.offset.checkpoint.interval.ms=1000
auto.create.topics.enable=false
default.replication.factor=$copies
min.insync.replicas=$in_sync
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$in_sync
share.coordinator.state.topic.num.partitions=1
""")


@dataclass(frozen=True)
class Quorum:
    """Brokers that are one cluster, each of them a controller too."""

    controllers: tuple[int, ...]
    """The controllers' ports; broker n has the nth."""
    cluster_id: str


class Kafka(Engine):
    """`url` is kafka://127.0.0.1:port. The first start on a machine fetches 43 MB of jars into the user's cache.

    Alone, or broker `node` (from 1) of a quorum: then it answers for the first time when all of them are there."""

    role = "kafka"
    start_timeout_s = 60.0
    stop_timeout_s = 20.0

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        log: Path | None = None,
        node: int = 1,
        quorum: Quorum | None = None,
    ) -> None:
        super().__init__(folder, port=port, log=log)
        self._node = node
        self._quorum = quorum
        self._controller_port = quorum.controllers[node - 1] if quorum else None

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
        if not self.answered_once and self._quorum is None:
            self._controller_port = free_port(self._controller_port)
        copies = min(3, self._brokers)
        properties = _PROPERTIES.substitute(
            host=HOST,
            port=self.port,
            node=self._node,
            controller_port=self._controller_port,
            quorum=self._voters(),
            copies=copies,
            in_sync=max(1, copies - 1),
            data=self.folder / "data",
        )
        (self.folder / "server.properties").write_text(properties)

    def steps(self) -> Iterator[Command]:
        if not _jars().exists():
            yield from _fetch_jars()
        if not (self.folder / "data" / "meta.properties").exists():
            cluster_id = self._quorum.cluster_id if self._quorum else new_cluster_id()
            # One word, since a random id may begin with a dash.
            options = [f"--cluster-id={cluster_id}", "-c", "server.properties"]
            options += [] if self._quorum else ["--standalone"]
            yield self._java(["-XX:TieredStopAtLevel=1"], "kafka.tools.StorageTool", "format", *options)

    def command(self) -> Command:
        return self._java(["-Xms128m", "-Xmx1g", "-XX:+ExitOnOutOfMemoryError"], "kafka.Kafka", "server.properties")

    def answers(self) -> bool:
        try:
            return _known_brokers(self.port or 0) >= (1 if self.answered_once else self._brokers)
        except (OSError, struct.error):
            return False

    @property
    def _brokers(self) -> int:
        return len(self._quorum.controllers) if self._quorum else 1

    def _voters(self) -> str:
        if self._quorum is None:
            return f"controller.quorum.bootstrap.servers={HOST}:{self._controller_port}"
        voters = (f"{node}@{HOST}:{port}" for node, port in enumerate(self._quorum.controllers, 1))
        return f"controller.quorum.voters={','.join(voters)}"

    def _java(self, flags: list[str], *program: str) -> Command:
        logging = f"-Dlog4j2.configurationFile={_LOGGING}"
        java = shutil.which("java") or "java"
        return Command([java, *flags, logging, "-cp", f"{_jars()}/*", *program], cwd=self.folder)


def new_cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode()


def _known_brokers(port: int) -> int:
    """How many brokers a broker knows: a Metadata request, version 4, for no topics; none until it is ready."""
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
