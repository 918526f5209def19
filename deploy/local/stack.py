"""The whole of Sluice on one machine: which servers, with which addresses, in which order."""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deploy.local import sluice_processes
from deploy.local.clickhouse import ClickHouse
from deploy.local.clusters import CLUSTER, brokers, kept, numbered, shards
from deploy.local.demo import demo_variables
from deploy.local.engine import Engine, Unavailable
from deploy.local.folder import DataFolder, write_whole
from deploy.local.kafka import Kafka
from deploy.local.ports import HOST
from deploy.local.postgres import Postgres
from deploy.local.sluice_processes import Gateway, OverflowWriter, UsualWriter, Writer
from deploy.local.supervisor import Supervisor
from deploy.local.valkey import Valkey
from shared.dsn import NoDsn, dsn_of

USUAL_GATEWAY_PORT = 8080


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for. `ports` maps a role to the port it should have, if that is free."""

    kafka: bool = False
    host: str = "127.0.0.1"
    gateways: int = 1
    writers: int = 1
    overflow_writers: int = 1
    """0: the other writers write the overflow topics too."""
    brokers: int | None = None
    shards: int | None = None
    """None: as many as the folder's data is spread over."""
    ports: Mapping[str, int] = field(default_factory=dict)


class Stack:
    """Engines, writers and gateways over one data folder that the caller has acquired.

    1. A server that the environment names (`SLUICE_CLICKHOUSE_URL` and so on) is used, and no engine of that kind
       started. Addresses of our own engines, sourced from `var/env`, don't count as named.
    2. `var/env` is written when everything answers, and removed when the stack stops.
    3. Stopped in order: gateways, writers, engines.
    """

    def __init__(
        self, folder: DataFolder, wanted: Wanted, environment: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._wanted = wanted
        self._environment = environment
        self._supervisor = Supervisor(changed=self._write_state, said=say)
        self._engines: dict[str, Engine] = {}

    def start(self) -> dict[str, str]:
        """Bring everything up; returns what `var/env` holds. Raises `DidNotStart`, `Unavailable`, `OtherShape`."""
        folder, wanted = self._folder, self._wanted
        folder.env.unlink(missing_ok=True)  # of a killed predecessor
        self._engines = self._make_engines()
        self._supervisor.start(list(self._engines.values()))
        addresses = self._addresses()
        self._remember(addresses)
        sluice_processes.migrate(folder.log("migrate"), addresses)
        demo = demo_variables(addresses["SLUICE_POSTGRES_URL"], folder.keys)
        writers = self._make_writers(addresses)
        several = wanted.gateways > 1
        gateway = Gateway(folder.log("gateway"), self._gateway_port(), addresses, wanted.host, share_port=several)
        self._supervisor.start(writers, [gateway])
        more = [
            Gateway(folder.log(numbered("gateway", n)), None, addresses, wanted.host, beside=gateway)
            for n in range(1, wanted.gateways)
        ]
        self._supervisor.start(more)
        folder.remember("ports", "gateway", gateway.port)
        public = {"SLUICE_URL": gateway.url, **demo, **_dsn(gateway.url, demo), **addresses}
        public.pop("SLUICE_CLICKHOUSE_READ_URL", None)
        write_whole(folder.env, "".join(f"{name}={value}\n" for name, value in public.items()))
        return public

    def tick(self, now: float) -> None:
        """One look at every process; restarts the dead."""
        self._supervisor.tick(now)

    def stop(self) -> None:
        self._folder.env.unlink(missing_ok=True)
        self._supervisor.stop()
        self._folder.state.unlink(missing_ok=True)

    def kill(self) -> None:
        """At once; nothing acknowledged is lost, it is in the queue."""
        self._supervisor.kill()

    def _make_engines(self) -> dict[str, Engine]:
        folder = self._folder
        engines: dict[str, Engine] = {}
        if not self._given("SLUICE_CLICKHOUSE_URL"):
            count = kept(folder, "shards", self._wanted.shards, ClickHouse.role)
            engines |= {shard.role: shard for shard in shards(folder, count, self._wanted.ports.get(ClickHouse.role))}
        for kind, name in ((Postgres, "SLUICE_POSTGRES_URL"), (Valkey, "SLUICE_REDIS_URL")):
            if not self._given(name):
                engines[kind.role] = kind(
                    folder.path / kind.role,
                    port=self._port(kind),
                    password=folder.password(kind.role),
                    log=folder.log(kind.role),
                )
        if self._wanted.kafka:
            count = kept(folder, "brokers", self._wanted.brokers, Kafka.role)
            engines |= {broker.role: broker for broker in brokers(folder, count, self._wanted.ports.get(Kafka.role))}
        return engines

    def _make_writers(self, addresses: Mapping[str, str]) -> list[Writer]:
        wanted = self._wanted
        usual = UsualWriter if wanted.overflow_writers else Writer
        kinds = [(usual, wanted.writers), (OverflowWriter, wanted.overflow_writers if wanted.writers else 0)]
        return [
            kind(self._folder.log(numbered(kind.role, n)), None, addresses)
            for kind, count in kinds
            for n in range(count)
        ]

    def _addresses(self) -> dict[str, str]:
        """The four servers and the folder of source maps, as the settings of gateway and writer name them."""
        single = {role: self._engines[role] for role in ("clickhouse", "postgres", "redis") if role in self._engines}
        found = {f"SLUICE_{role.upper()}_URL": engine.url for role, engine in single.items()}
        for name in ("SLUICE_CLICKHOUSE_URL", "SLUICE_CLICKHOUSE_READ_URL", "SLUICE_POSTGRES_URL", "SLUICE_REDIS_URL"):
            if (given := self._given(name)) and name not in found:
                found[name] = given
        if isinstance(clickhouse := self._engines.get("clickhouse"), ClickHouse):
            found["SLUICE_CLICKHOUSE_READ_URL"] = clickhouse.read_url
        if "clickhouse-2" in self._engines:
            found["SLUICE_CLICKHOUSE_CLUSTER"] = CLUSTER
        if brokers := [f"{HOST}:{each.port}" for each in self._engines.values() if isinstance(each, Kafka)]:
            found["SLUICE_QUEUE_URL"] = f"kafka://{','.join(brokers)}"
        else:
            found["SLUICE_QUEUE_URL"] = self._given("SLUICE_QUEUE_URL") or f"sqlite:///{self._folder.queue}"
        found["SLUICE_SOURCEMAPS_DIR"] = self._given("SLUICE_SOURCEMAPS_DIR") or str(self._folder.path / "sourcemaps")
        return found

    def _remember(self, addresses: Mapping[str, str]) -> None:
        for role, engine in self._engines.items():
            self._folder.remember("ports", role, engine.port)
            if isinstance(engine, ClickHouse):
                self._folder.remember("ports", f"{role}-http", engine.http_port)
        for name, value in addresses.items():
            if not self._given(name):
                self._folder.remember("addresses", name, value)

    def _given(self, name: str) -> str | None:
        if self._environment.get(f"{name}_FILE"):  # gateway and writer get what we found as `name`
            raise Unavailable(f"sluice up takes no addresses from files: set {name} instead of {name}_FILE")
        value = self._environment.get(name)
        return value if value and value != self._folder.recall("addresses", name) else None

    def _port(self, kind: type[Engine]) -> int | None:
        """Not the usual one: while an engine is being restarted, another stack would start its own there."""
        return self._wanted.ports.get(kind.role) or self._folder.recall("ports", kind.role)

    def _gateway_port(self) -> int:
        return int(self._wanted.ports.get("gateway") or self._folder.recall("ports", "gateway") or USUAL_GATEWAY_PORT)

    def _write_state(self, rows: list[dict[str, object]]) -> None:
        with contextlib.suppress(FileNotFoundError):  # the folder was removed while running
            write_whole(self._folder.state, json.dumps({"processes": rows}))


def _dsn(url: str, demo: Mapping[str, str]) -> dict[str, str]:
    """Nothing for a public key of an older Sluice that no DSN can hold."""
    with contextlib.suppress(NoDsn):
        return {"SLUICE_SENTRY_DSN": dsn_of(url, demo["SLUICE_PUBLIC_KEY"])}
    return {}
