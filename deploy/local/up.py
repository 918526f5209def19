"""`sluice up`: everything on this machine, until Ctrl-C."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from deploy.local.child import DidNotStart
from deploy.local.clusters import OtherShape
from deploy.local.demo import demo_link
from deploy.local.engine import Unavailable
from deploy.local.folder import DataFolder, InUse
from deploy.local.stack import Stack, Wanted
from shared.processes import spawn

LOOK_EVERY_S = 0.2

_SLUICE = "sluice" if shutil.which("sluice") else ".venv/bin/sluice"
_PORT_HELP = "Port of {}; a taken one is replaced by a free one"


def up(
    data_dir: Annotated[Path, typer.Option(help="Folder for all data", envvar="SLUICE_DATA_DIR")] = Path("var"),
    kafka: Annotated[bool, typer.Option("--kafka", help="Queue in Apache Kafka (needs java), not SQLite")] = False,
    host: Annotated[str, typer.Option(help="Address of the gateway", envvar="SLUICE_GATEWAY_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help=_PORT_HELP.format("the gateway"), envvar="SLUICE_GATEWAY_PORT")] = 0,
    gateways: Annotated[int, typer.Option(min=1, help="Gateway processes, all on one port")] = 1,
    writers: Annotated[int, typer.Option(min=0, help="Writer processes; 0: start your own")] = 1,
    overflow_writers: Annotated[
        int, typer.Option(min=0, help="Writer processes of the overflow topics; 0: the other writers write them too")
    ] = 1,
    brokers: Annotated[int | None, typer.Option(min=1, help="With --kafka: brokers, one cluster; 1 by default")] = None,
    shards: Annotated[int | None, typer.Option(min=1, help="Servers of ClickHouse, each a shard; 1 by default")] = None,
    clickhouse_port: Annotated[int, typer.Option(help=_PORT_HELP.format("ClickHouse"))] = 0,
    postgres_port: Annotated[int, typer.Option(help=_PORT_HELP.format("PostgreSQL"))] = 0,
    redis_port: Annotated[int, typer.Option(help=_PORT_HELP.format("Valkey"))] = 0,
    kafka_port: Annotated[int, typer.Option(help=_PORT_HELP.format("Kafka"))] = 0,
    demo: Annotated[bool, typer.Option("--demo", help="Then sluice demo, if the demo project has no records")] = False,
) -> None:
    """Start everything on this machine, on real engines, and keep it running until Ctrl-C.

    A server named by SLUICE_CLICKHOUSE_URL, SLUICE_POSTGRES_URL, SLUICE_REDIS_URL or SLUICE_QUEUE_URL is used as it is.
    """
    ports = {
        "gateway": port,
        "clickhouse": clickhouse_port,
        "postgres": postgres_port,
        "redis": redis_port,
        "kafka": kafka_port,
    }
    if brokers is not None and not kafka:
        raise typer.BadParameter("--brokers counts those of Kafka: add --kafka")
    used = {role: number for role, number in ports.items() if number}
    wanted = Wanted(kafka, host, gateways, writers, overflow_writers, brokers, shards, used)
    sys.exit(_Run(DataFolder(data_dir), wanted, demo).run())


class _Run:
    """One run of the command: signals, words for people, the exit code."""

    def __init__(self, folder: DataFolder, wanted: Wanted, demo: bool) -> None:
        self._folder = folder
        self._wanted = wanted
        self._demo = demo
        self._sending: subprocess.Popen[bytes] | None = None
        self._console = Console(soft_wrap=True, highlight=False)
        self._stack = Stack(folder, wanted, os.environ, self._say)

    def run(self) -> int:
        try:
            self._folder.acquire()
        except InUse as error:
            self._console.print(f"[red]{escape(str(error))}")
            return 1
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)
        try:
            return self._run_owned()
        finally:
            self._folder.release()

    def _run_owned(self) -> int:
        began = time.monotonic()
        code = 0
        try:
            env = self._stack.start()
            self._welcome(env, time.monotonic() - began)
            if self._demo:
                self._send_demo(env)
            while True:
                self._stack.tick(time.monotonic())
                time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            self._console.print("Stopping: gateway, writer (flushes for at most 30 s), engines")
        except (DidNotStart, OtherShape, Unavailable) as error:
            self._console.print(f"[red]{escape(str(error))}")
            code = 1
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._give_up)
            if self._sending is not None:
                self._sending.terminate()
            self._stack.stop()
        return code

    def _say(self, sentence: str) -> None:
        self._console.print(f"[dim]{escape(sentence)}")

    def _welcome(self, env: dict[str, str], took_s: float) -> None:
        say, url = self._console.print, env["SLUICE_URL"]
        asked = self._wanted.ports.get("gateway")
        if asked and not url.endswith(f":{asked}"):
            say(f"[yellow]Port {asked} was taken, the gateway got another.")
        say(f"\n[bold green]Sluice is up[/] on {url} ({took_s:.1f} s); keys and addresses are in {self._folder.env}")
        say("\nThe pages, logged in by this link (once; sluice user link demo makes another):\n")
        say(f"  {demo_link(env['SLUICE_POSTGRES_URL'], url)}", markup=False)
        body = '{"service":"demo","logs":[{"level":"info","message":"Hello from curl"}]}'
        logs = f"{url}/api/v1/projects/{env['SLUICE_PROJECT_ID']}/logs"
        say("\nSend a log, and read it back a second later:\n")
        say(f"  curl -sS {url}/ingest/logs {_bearer(env['SLUICE_INGEST_KEY'])} -d '{body}'", markup=False)
        say(f"  curl -sS {logs} {_bearer(env['SLUICE_READ_KEY'])}", markup=False)
        if dsn := env.get("SLUICE_SENTRY_DSN"):
            say("\nThe DSN for any of Sentry's SDKs:\n")
            say(f"  {dsn}", markup=False)
        else:
            say("\n[yellow]No DSN can hold the demo project's old public key: sluice key create makes a key for one.")
        if not self._demo:
            say("\nAn hour of a made-up shop's traffic, so that every page has something to show:\n")
            say(f"  {_SLUICE} demo{self._beside()}", markup=False)
        say("\nCtrl-C stops everything; the data stays.\n")

    def _beside(self) -> str:
        """The option that names this folder to other commands; '' for the usual one."""
        folder = self._folder.path
        return "" if folder == Path("var").resolve() else f" --data-dir {shlex.quote(str(folder))}"

    def _send_demo(self, env: dict[str, str]) -> None:
        """Beside us: the stack is looked after meanwhile. It ends with us."""
        command: list[str | Path] = [sys.executable, "-m", "shared.cli", "demo", "--data-dir", self._folder.path]
        self._sending = spawn(command, orphaned=signal.SIGTERM, environment=env)

    def _interrupt(self, number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    def _give_up(self, number: int, frame: object) -> NoReturn:
        """The second Ctrl-C."""
        self._stack.kill()
        os._exit(1)


def _bearer(key: str) -> str:
    return f"-H 'Authorization: Bearer {key}'"
