"""Fresh engines for one run, in a temporary folder that is removed with them."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from deploy.local import sluice_processes
from deploy.local.child import start_together
from deploy.local.clickhouse import ClickHouse
from deploy.local.demo import DemoKeys, ensure_demo
from deploy.local.engine import Engine, Unavailable
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from shared import registry, settings
from shared.settings import Settings
from shared.signals.logs import SIGNAL as LOGS


class Phase:
    """One measurement's view of the engines: topics of its own, everything else shared.

    `environment` is what a gateway or writer of this phase is started with, `settings` the same as they read it.
    """

    def __init__(self, name: str, folder: Path, addresses: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder
        queue_url = addresses.get("SLUICE_QUEUE_URL", f"sqlite:///{folder / name / 'queue.db'}")
        self.environment = {
            **addresses,
            "SLUICE_QUEUE_URL": queue_url,
            "SLUICE_TOPICS_PREFIX": f"{name}.",
            "SLUICE_GATEWAY_LANE_RECORDS_S": "0",  # one project sends all there is
        }
        self.settings: Settings = settings.load({**os.environ, **self.environment})
        self.logs = registry.load(self.settings.services.extensions, self.settings.topics.prefix).signals[LOGS.name]

    def log(self, process: str) -> Path:
        return self.folder / "log" / f"{self.name}-{process}.log"

    def migrate(self) -> None:
        """Tables and topics. Raises `DidNotStart`."""
        (self.folder / self.name).mkdir(exist_ok=True)
        self.log("migrate").parent.mkdir(exist_ok=True)
        sluice_processes.migrate(self.log("migrate"), self.environment)


class Engines:
    """What gateway and writer need, running. `addresses` are theirs, as `SLUICE_*`; `folder` goes with them."""

    def __init__(self, folder: Path, addresses: Mapping[str, str], clickhouse_pid: int = 0) -> None:
        self.folder = folder
        self.addresses = addresses
        self.clickhouse_pid = clickhouse_pid
        self.clickhouse_url = addresses["SLUICE_CLICKHOUSE_URL"]

    @cached_property
    def demo(self) -> DemoKeys:
        """A project without rate limit; ask for it when there is a phase, which makes its tables."""
        return ensure_demo(self.addresses["SLUICE_POSTGRES_URL"], self.folder / "keys.json")

    def phase(self, name: str) -> Phase:
        """A phase with its topics made. Raises `DidNotStart`."""
        phase = Phase(name, self.folder, self.addresses)
        phase.migrate()
        return phase


@contextmanager
def engines(kind: str) -> Iterator[Engines]:
    """Start real engines for a queue ("sqlite" or "kafka"), stop them at the end and remove what they kept.

    TMPDIR chooses the disk. Raises `Unavailable`, `DidNotStart`.
    """
    folder = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    clickhouse = ClickHouse(folder / "clickhouse")
    children: list[Engine] = [
        clickhouse,
        Postgres(folder / "postgres"),
        Valkey(folder / "redis"),
        *([Kafka(folder / "kafka")] if kind == "kafka" else []),
    ]
    try:
        start_together(*children)
        role_of = {"kafka": "QUEUE"}
        addresses = {f"SLUICE_{role_of.get(child.role, child.role.upper())}_URL": child.url for child in children}
        yield Engines(folder, addresses, clickhouse.pid or 0)
    finally:
        for child in reversed(children):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


def missing(kind: str) -> str:
    """Why this machine can't run the engines for a queue; '' where it can."""
    try:
        wanted: list[type[Engine]] = [ClickHouse, Postgres, Valkey, *([Kafka] if kind == "kafka" else [])]
        for engine in wanted:
            engine.version()
    except Unavailable as error:
        return str(error)
    return ""
