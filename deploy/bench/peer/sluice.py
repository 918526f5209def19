"""Sluice as a side: the gateway and the writer of one checkout, on the engines of this run."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import time_ns
from urllib.parse import urlsplit

import msgspec

from deploy.bench.engines import Engines, Phase
from deploy.bench.load import request
from deploy.bench.peer.entries import DATA, ENVIRONMENT, RELEASE, Entry
from deploy.local.child import Child, Command, run
from deploy.local.demo import DemoKeys, ensure_demo
from deploy.local.postgres import Postgres
from deploy.local.sluice_processes import Gateway, Writer
from shared.clients.clickhouse import ClickHouse
from shared.envelope import VERSION, Stamp, seal
from shared.formats.proliferate_logs import FORMAT, INTAKE
from shared.signals.base import RETENTION_DAYS

HERE = Path(__file__).parents[3]
"""The checkout that this file belongs to."""


class CheckoutGateway(Gateway):
    """The gateway of a checkout: Python looks for modules in the folder that it starts in first."""

    def __init__(self, checkout: Path, log: Path, environment: Mapping[str, str]) -> None:
        super().__init__(log, None, environment)
        self._checkout = checkout

    def command(self) -> Command:
        return replace(super().command(), cwd=self._checkout)


class CheckoutWriter(Writer):
    """The writer of a checkout."""

    def __init__(self, checkout: Path, log: Path, environment: Mapping[str, str]) -> None:
        super().__init__(log, None, environment)
        self._checkout = checkout

    def command(self) -> Command:
        return replace(super().command(), cwd=self._checkout)


class Sluice:
    """The side; `phases` by name of their data, and one named "gateway"."""

    table = "logs"

    def __init__(self, name: str, checkout: Path, phases: Mapping[str, Phase], keys: DemoKeys) -> None:
        self.name = name
        self.database = _database(phases["gateway"].environment)
        self.clear = f"TRUNCATE TABLE `{self.database}`.`{self.table}` SYNC"
        self._checkout = checkout
        self._phases = phases
        self._keys = keys

    def gateway(self) -> Child:
        phase = self._phases["gateway"]
        return CheckoutGateway(self._checkout, phase.log(f"{self.name}-gateway"), phase.environment)

    def request(self, port: int, entries: list[Entry]) -> bytes:
        body = {
            "api_key": self._keys.ingest_key,  # where this API's clients put it
            "environment": ENVIRONMENT,
            "release": RELEASE,
            "logs": entries,
        }
        return request(INTAKE.route, port, {"Content-Type": "application/json"}, msgspec.json.encode(body))

    def topic(self, data: str) -> str:
        return self._phases[data].logs.topic

    def message(self, entries: list[Entry]) -> bytes:
        stamp = Stamp(
            v=VERSION,
            format=FORMAT.name,
            project_id=self._keys.project_id,
            received_at=time_ns() // 1000,
            retention_days=max(RETENTION_DAYS),
            n=len(entries),
            environment=ENVIRONMENT,
            release=RELEASE,
        )
        return seal(stamp, msgspec.json.encode(entries))

    def writer(self, data: str, number: int) -> Child:
        phase = self._phases[data]
        environment = {**phase.environment, "SLUICE_WRITER_GROUP": f"{self.name}-{data}-{number}"}
        return CheckoutWriter(self._checkout, phase.log(f"{self.name}-writer"), environment)


@contextmanager
def sluice(engines: Engines, name: str, checkout: Path) -> Iterator[Sluice]:
    """A checkout with its own database in ClickHouse and its own Postgres, since its tables may differ from another's.

    Its topics are everybody's. Raises `DidNotStart`.
    """
    database = f"sluice_{name.lower()}"
    url = urlsplit(engines.clickhouse_url)._replace(path=f"/{database}").geturl()
    with closing(ClickHouse(engines.clickhouse_url)) as clickhouse:
        clickhouse.query(f"CREATE DATABASE `{database}`")
    with Postgres(engines.folder / f"postgres-{name}") as postgres:
        own = {"SLUICE_CLICKHOUSE_URL": url, "SLUICE_POSTGRES_URL": postgres.url}
        phases = {data: Phase(data, engines.folder, {**engines.addresses, **own}) for data in ("gateway", *DATA)}
        for phase in phases.values():
            _migrate(phase, checkout)
        yield Sluice(name, checkout, phases, ensure_demo(postgres.url, engines.folder / f"keys-{name}.json"))


def _migrate(phase: Phase, checkout: Path) -> None:
    log = phase.log("migrate")
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "shared.cli", "migrate"]
    run(Command(command, env=phase.environment, cwd=checkout, timeout_s=120.0), log, f"sluice migrate in {checkout}")


def _database(environment: Mapping[str, str]) -> str:
    return urlsplit(environment["SLUICE_CLICKHOUSE_URL"]).path.lstrip("/")
