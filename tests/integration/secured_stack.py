"""A gateway and a writer whose four neighbours want TLS and a login, all of whose addresses stand in files."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from string import Template
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import redis

from deploy.local.child import run, start_together
from deploy.local.clickhouse import ClickHouse
from deploy.local.demo import demo_variables
from deploy.local.ports import HOST
from deploy.local.postgres import Postgres
from deploy.local.sluice_processes import Gateway, Writer, migrate
from deploy.local.valkey import Valkey
from shared.clients.postgres import connect
from tests.certificates import certificates_in
from tests.contract.secured_kafka import Listener, SecuredKafka
from tests.faults.background import Background
from tests.faults.processes import unset_of_sluice
from tests.tls_front import TlsFront

ADMIN = "admin-of-the-tests"
USERS = {"ann": "first-secret-of-ann", "bob": "second-secret-of-bob"}
"""Two on each server, with the same rights."""

_CLICKHOUSE_USERS = Template("""
    <$name><password>$password</password><profile>default</profile><quota>default</quota>
        <networks><ip>127.0.0.1</ip></networks></$name>
    <reader_$name><password>$password</password><profile>reader</profile><quota>default</quota>
        <networks><ip>127.0.0.1</ip></networks><grants><query>GRANT SELECT ON *.*</query></grants></reader_$name>
""")


class _ClickHouse(ClickHouse):
    """With users of its own. The server from the wheel reads them at its start only."""

    users: Mapping[str, str] = USERS

    def before_try(self) -> None:
        super().before_try()
        file = self.folder / "users.xml"
        own = "".join(_CLICKHOUSE_USERS.substitute(name=name, password=word) for name, word in self.users.items())
        file.write_text(file.read_text().replace("<users>", f"<users>{own}", 1))


class SecuredStack:
    """`env` has what a `RunningStack` says of itself, with addresses of the administrators'; `environment` is that of
    gateway, writer and commands. `secrets` is the folder with their files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self.secrets.mkdir()
        self.certificates = certificates_in(folder)
        self.clickhouse = _ClickHouse(folder / "clickhouse", password=ADMIN)
        self.postgres = Postgres(folder / "postgres", password=ADMIN)
        self.redis = Valkey(folder / "redis", password=ADMIN)
        self.kafka = SecuredKafka(folder / "kafka", _listener(self.certificates))
        self.fronts: dict[str, TlsFront] = {}
        self.env: dict[str, str] = {}
        self.environment: dict[str, str] = {}

    def begin(self, exits: ExitStack) -> None:
        """Engines, users, TLS before them, tables and topics, gateway and writer."""
        engines = (self.clickhouse, self.postgres, self.redis, self.kafka)
        for engine in engines:
            exits.callback(engine.stop)
        start_together(*engines)
        self._make_users()
        background = exits.enter_context(Background())
        certificate = self.certificates / "broker.pem"
        for engine in engines[:3]:
            front = TlsFront(engine.port or 0, certificate, postgres=engine is self.postgres)
            self.fronts[engine.role] = background.run(front.__aenter__())
            exits.callback(lambda front=front: background.run(front.__aexit__()))
        self.hand_over("ann")
        self.environment = {**unset_of_sluice(), **self._settings()}
        migrate(self.folder / "migrate.log", self.environment)
        self.gateway = Gateway(self.folder / "gateway.log", None, self.environment, HOST)
        self.writer = Writer(self.folder / "writer.log", None, self.environment)
        keys = demo_variables(self.postgres.url, self.folder / "keys.json")
        for process in (self.gateway, self.writer):
            exits.callback(process.stop)
        start_together(self.gateway, self.writer)
        self.env = {**keys, "SLUICE_URL": self.gateway.url, "SLUICE_CLICKHOUSE_URL": self.clickhouse.url}

    def hand_over(self, name: str, ca: str = "ca.pem", folder: Path | None = None) -> None:
        """Have the files hold this user."""
        word, authority = USERS[name], self.certificates / ca
        at = {role: f"{HOST}:{front.port}" for role, front in self.fronts.items()}
        texts = {
            "clickhouse": f"clickhouses://{name}:{word}@{at['clickhouse']}/sluice?ca_certs={authority}",
            "clickhouse_read": f"clickhouses://reader_{name}:{word}@{at['clickhouse']}/sluice?ca_certs={authority}",
            "postgres": f"postgresql://{name}:{word}@{at['postgres']}/sluice?sslmode=verify-full&sslrootcert={authority}",
            "redis": f"rediss://{name}:{word}@{at['redis']}/0?ssl_ca_certs={authority}",
            "kafka_username": name,
            "kafka_password": word,
        }
        for file, text in texts.items():
            new = self.secrets / f"{file}.new"
            new.write_text(f"{text}\n")
            os.replace(new, (folder or self.secrets) / file)

    def remove(self, name: str) -> None:
        """Take the user away everywhere, and whoever is connected as that user."""
        with redis.Redis.from_url(self.redis.url) as valkey:
            valkey.acl_deluser(name)
        with connect(self.postgres.url) as db:
            db.execute(f"ALTER ROLE {name} NOLOGIN")
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name])
        options = ["--alter", "--delete-config", "SCRAM-SHA-512", "--entity-type", "users", "--entity-name", name]
        server = self.kafka.url.removeprefix("kafka://")
        command = ("kafka.admin.ConfigCommand", "--bootstrap-server", server, *options)
        run(self.kafka._java(["-XX:TieredStopAtLevel=1"], *command), self.folder / "kafka-configs.log", "kafka-configs")
        self.clickhouse.stop()
        self.clickhouse.users = {each: word for each, word in USERS.items() if each != name}
        self.clickhouse.start()

    def get(self, path: str) -> str:
        """What the gateway answers to whoever may read."""
        return self._asked(Request(self.env["SLUICE_URL"] + path), "SLUICE_READ_KEY")[1]

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer."""
        return self._asked(Request(self.env["SLUICE_URL"] + path, body, dict(headers)), "SLUICE_INGEST_KEY")[0]

    def _asked(self, request: Request, key: str) -> tuple[int, str]:
        request.add_header("Authorization", f"Bearer {self.env[key]}")
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def told(self) -> str:
        """All that the processes have said and show of themselves."""
        shown = [file.read_text() for file in (self.gateway.log, self.writer.log, self.folder / "migrate.log")]
        shown += [Path(f"/proc/{process.pid}/cmdline").read_text() for process in (self.gateway, self.writer)]
        return "\n".join(shown)

    def _make_users(self) -> None:
        with redis.Redis.from_url(self.redis.url) as valkey, connect(self.postgres.url) as db:
            db.execute("CREATE ROLE sluice")
            db.execute("GRANT ALL ON SCHEMA public TO sluice")
            for name, word in USERS.items():
                valkey.execute_command("ACL", "SETUSER", name, "on", f">{word}", "allkeys", "allchannels", "+@all")
                # What either makes belongs to both.
                db.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{word}' IN ROLE sluice")
                db.execute(f"ALTER ROLE {name} SET role = sluice")

    def _settings(self) -> dict[str, str]:
        urls, login = ("clickhouse", "clickhouse_read", "postgres", "redis"), ("username", "password")
        return {
            **{f"SLUICE_{name.upper()}_URL_FILE": str(self.secrets / name) for name in urls},
            **{f"SLUICE_KAFKA_{name.upper()}_FILE": str(self.secrets / f"kafka_{name}") for name in login},
            "SLUICE_QUEUE_URL": self.kafka.secure_url,
            "SLUICE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "SLUICE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "SLUICE_KAFKA_CA_FILE": str(self.certificates / "ca.pem"),
            "SLUICE_SOURCEMAPS_DIR": str(self.folder / "sourcemaps"),
        }


def _listener(certificates: Path) -> Listener:
    """One that has everybody log in again every other second."""
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates / "broker.pem"),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        "scram-sha-512.connections.max.reauth.ms": "2000",
    }
    return Listener("SASL_SSL", properties, users=USERS)


@contextmanager
def secured_stack(folder: Path) -> Iterator[SecuredStack]:
    with ExitStack() as exits:
        stack = SecuredStack(folder)
        stack.begin(exits)
        yield stack
