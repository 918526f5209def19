"""Sluice's own processes in the local stack: gateway, writer, and the migration before them."""

import http.client
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped,unused-ignore]

from deploy.local.child import Child, Command, run
from deploy.local.ports import HOST


class _SluiceProcess(Child):
    """`environment` holds the addresses of the servers, as `SLUICE_*`."""

    subcommand: str
    options: tuple[str, ...] = ()
    health: str
    """The path that answers 200 when it works."""

    def __init__(self, log: Path, port: int | None, environment: Mapping[str, str]) -> None:
        super().__init__(log, port)
        self._environment = environment

    def command(self) -> Command:
        return _sluice(self.subcommand, {**self._environment, **self._own_settings()}, *self.options)

    def answers(self) -> bool:
        """Whether its own socket answers: at the same port there may be another stack's, if both have just begun."""
        return self._listens() and _http_status(self.port, self.health) == 200

    def _listens(self) -> bool:
        with suppress(psutil.Error):
            sockets = psutil.Process(self.pid).net_connections("tcp") if self.pid else []
            return any(each.status == psutil.CONN_LISTEN and each.laddr.port == self.port for each in sockets)
        return False

    def _own_settings(self) -> dict[str, str]:
        raise NotImplementedError


class Gateway(_SluiceProcess):
    """`beside`: a running gateway with `share_port`; the kernel spreads the connections over both."""

    role = subcommand = "gateway"
    health = "/health/ready"
    stop_timeout_s = 25.0  # SLUICE_GATEWAY_SHUTDOWN_S and a little

    def __init__(
        self,
        log: Path,
        port: int | None,
        environment: Mapping[str, str],
        host: str = HOST,
        share_port: bool = False,
        beside: "Gateway | None" = None,
    ) -> None:
        super().__init__(log, beside.port if beside else port, environment)
        self.host = host
        self._share_port = share_port or beside is not None
        self._is_beside = beside is not None

    def before_try(self) -> None:
        if not self._is_beside:
            super().before_try()

    @property
    def url(self) -> str:
        """For clients on this machine."""
        return f"http://{HOST}:{self.port}"

    def _own_settings(self) -> dict[str, str]:
        sharing = {"SLUICE_GATEWAY_SHARE_PORT": "1"} if self._share_port else {}
        pages = {"SLUICE_ALERTS_PUBLIC_URL": os.environ.get("SLUICE_ALERTS_PUBLIC_URL", self.url)}
        return {
            "SLUICE_GATEWAY_HOST": self.host,
            "SLUICE_GATEWAY_PORT": str(self.port),
            **pages,
            **sharing,
            **self._spool(),
        }

    def _spool(self) -> dict[str, str]:
        """A folder of its own: a spool is of one process."""
        folder = os.environ.get("SLUICE_GATEWAY_SPOOL")
        return {"SLUICE_GATEWAY_SPOOL": str(Path(folder, self.log.stem))} if folder and self._is_beside else {}


class Writer(_SluiceProcess):
    """`port` is that of its metrics."""

    role = subcommand = "writer"
    health = "/health"
    stop_timeout_s = 35.0  # it flushes for up to SLUICE_WRITER_SHUTDOWN_S, 30 s

    def _own_settings(self) -> dict[str, str]:
        # On one machine a silent writer is a dead one: its partitions need not wait the usual 30 s for a successor.
        silence = os.environ.get("SLUICE_WRITER_SESSION_TIMEOUT_S", "10")
        return {"SLUICE_WRITER_METRICS_PORT": str(self.port), "SLUICE_WRITER_SESSION_TIMEOUT_S": silence}


class UsualWriter(Writer):
    """One that leaves the overflow topics to an `OverflowWriter`."""

    options = ("--no-overflow",)


class OverflowWriter(Writer):
    """The writer of the overflow topics."""

    role = "overflow-writer"
    options = ("--overflow",)


def migrate(log: Path, environment: Mapping[str, str]) -> None:
    """Create or evolve tables and topics, without waiting for what ClickHouse builds. Raises `DidNotStart`."""
    run(_sluice("migrate", environment, "--no-wait"), log, "sluice migrate")


def _sluice(subcommand: str, environment: Mapping[str, str], *options: str) -> Command:
    return Command([sys.executable, "-m", "shared.cli", subcommand, *options], env=environment, timeout_s=120.0)


def _http_status(port: int | None, path: str) -> int | None:
    connection = http.client.HTTPConnection(HOST, port, timeout=1.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
