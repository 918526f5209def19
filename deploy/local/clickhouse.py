"""ClickHouse out of the `chdb-core` wheel: a full server in a process of its own, see `clickhouse_server.py`."""

import hashlib
import sys
import urllib.error
import urllib.request
from importlib import metadata, util
from pathlib import Path
from string import Template

from deploy.local.child import Command
from deploy.local.engine import Engine, Unavailable
from deploy.local.ports import HOST, free_port

ADMIN, READER = "sluice", "sluice_reader"

# Half of the machine, but no more than 4 GB: this server shares a laptop. ClickHouse takes the smaller of the two.
_CONFIG = Template("""<clickhouse>
    <tcp_port>$tcp_port</tcp_port>
    <http_port>$http_port</http_port>
    <listen_host>$host</listen_host>
    <users_config>$users</users_config>
    <timezone>UTC</timezone>
    <max_server_memory_usage>4000000000</max_server_memory_usage>
    <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
    <mark_cache_size>268435456</mark_cache_size>
    <backups><allowed_path>$backups</allowed_path></backups>
    $extra
</clickhouse>
""")

# The embedding session itself logs in as `default`, and can be given neither a password nor another name. It is the
# one session that this user may have, so while the server listens nobody else can come in as `default`.
_USERS = Template("""<clickhouse>
    <profiles>
        <default><poll_interval>1</poll_interval></default>
        <door><max_sessions_for_user>1</max_sessions_for_user></door>
        <reader><readonly>2</readonly></reader>
    </profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <no_password/><profile>door</profile><quota>default</quota><networks><ip>127.0.0.1</ip></networks>
        </default>
        <$admin>
            $password<profile>default</profile><quota>default</quota><networks><ip>127.0.0.1</ip></networks>
        </$admin>
        <$reader>
            $password<profile>reader</profile><quota>default</quota><networks><ip>127.0.0.1</ip></networks>
            <grants><query>GRANT SELECT ON *.*</query></grants>
        </$reader>
    </users>
</clickhouse>
""")


class ClickHouse(Engine):
    """`url` is clickhouse://sluice:password@127.0.0.1:port/database, the native protocol; `http_url` the other one.

    `read_url` is for a user that can only read (its settings it may change: `readonly=2`). The database is made at
    the start. `extra_config` is XML of the server's configuration, as `<remote_servers>` for a cluster of two.
    Tables decide for themselves whether they deduplicate: no merge_tree setting is changed here.
    """

    role = "clickhouse"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        http_port: int | None = None,
        password: str = "",
        database: str = "sluice",
        extra_config: str = "",
        log: Path | None = None,
    ) -> None:
        super().__init__(folder, port=port, password=password, log=log)
        self.http_port = http_port
        self.database = database
        self._extra_config = extra_config

    @property
    def url(self) -> str:
        return self._url(ADMIN)

    @property
    def read_url(self) -> str:
        return self._url(READER)

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.http_port}/"

    @staticmethod
    def version() -> str:
        if util.find_spec("chdb") is None:
            raise Unavailable("no wheel chdb-core: pip install 'sluice[local]', or set SLUICE_CLICKHOUSE_URL")
        return metadata.version("chdb-core")

    def before_try(self) -> None:
        self.version()
        super().before_try()
        if not self.answered_once:
            self.http_port = free_port(self.http_port)
        users = self.folder / "users.xml"
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        secret = f"<password_sha256_hex>{digest}</password_sha256_hex>" if self.password else "<no_password/>"
        users.write_text(_USERS.substitute(admin=ADMIN, reader=READER, password=secret))
        config = self.folder / ".clickhouse-local" / "config.xml"
        config.parent.mkdir(exist_ok=True)
        config.write_text(
            _CONFIG.substitute(
                tcp_port=self.port,
                http_port=self.http_port,
                host=HOST,
                users=users,
                backups=self.folder / "backups",
                extra=self._extra_config,
            )
        )

    def command(self) -> Command:
        return Command([sys.executable, "-m", "deploy.local.clickhouse_server", self.folder, self.database])

    def answers(self) -> bool:
        headers = {"X-ClickHouse-User": ADMIN, "X-ClickHouse-Key": self.password}
        ask = urllib.request.Request(self.http_url + "?query=SELECT+1", headers=headers)  # noqa: S310 - 127.0.0.1
        try:
            with urllib.request.urlopen(ask, timeout=0.5) as answer:  # noqa: S310 - see above
                return bool(answer.read() == b"1\n")
        except (urllib.error.URLError, OSError):
            return False

    def _url(self, user: str) -> str:
        return f"clickhouse://{user}{f':{self.password}' if self.password else ''}@{HOST}:{self.port}/{self.database}"
