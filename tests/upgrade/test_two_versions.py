"""Two versions side by side under load, in both orders of an upgrade (operating.md, "Upgrading")."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from types import SimpleNamespace
from typing import Any
from urllib.request import Request, urlopen

import pytest

from deploy.local.child import Child, Command, start_together
from deploy.local.demo import demo_variables
from deploy.local.engine import Unavailable
from deploy.local.ports import HOST
from deploy.local.sluice_processes import Gateway, Writer, migrate
from shared.clients.clickhouse import ClickHouse
from tests.faults.load import Load
from tests.faults.processes import unset_of_sluice
from tests.faults.row_counts import assert_exactly_once
from tests.integration.stack import wait_until
from tests.upgrade.previous import unpack

TOGETHER_S = float(os.environ.get("SLUICE_UPGRADE_SECONDS", "0"))
"""How much longer than for some requests each pair of versions works together."""

pytestmark = pytest.mark.timeout(300 + 6 * TOGETHER_S)


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return unpack(tmp_path_factory.mktemp("previous"))
    except Unavailable as error:
        pytest.skip(str(error))


class Upgrade:
    """Four processes, two of each version, that can be started in any order; a load that begins with the old ones."""

    def __init__(self, folder: Path, previous: Path, environment: dict[str, str], exits: ExitStack) -> None:
        migrate(folder / "migrate.log", environment)
        keys = demo_variables(environment["SLUICE_POSTGRES_URL"], folder / "keys.json")
        self.old_gateway = Gateway(folder / "old-gateway.log", None, environment, HOST, share_port=True)
        self.old_writer = Writer(folder / "old-writer.log", None, environment)
        self.new_writer = Writer(folder / "writer.log", None, environment)
        for each in (self.old_gateway, self.old_writer, self.new_writer):
            exits.callback(each.stop)
        for old in (self.old_gateway, self.old_writer):
            old.command = _of_previous(old.command, previous)  # type: ignore[method-assign]
        start_together(self.old_gateway, self.old_writer)
        self.new_gateway = Gateway(folder / "gateway.log", None, environment, HOST, beside=self.old_gateway)
        exits.callback(self.new_gateway.stop)
        run = f"upgrade{token_hex(4)}"  # Redis, which knows bodies that come again, is everybody's
        self.env = {**keys, **environment, "SLUICE_URL": self.old_gateway.url}
        self.load = exits.enter_context(Load(SimpleNamespace(env=self.env), run, records_per_s=500))  # type: ignore[arg-type]
        self.go_on()

    def go_on(self) -> None:
        """Some requests are acknowledged."""
        self.load.wait_for(200, 25)
        time.sleep(TOGETHER_S)

    def change(self, old: Child, new: Child) -> None:
        """The new process comes, then the old one goes."""
        new.start()
        self.go_on()
        old.stop()
        self.go_on()

    def send_what_is_new(self) -> None:
        """An event of Sentry's SDKs, which the version before knows nothing of."""
        body = b'{}\n{"type":"event"}\n{"event_id":"%b","message":"new","release":"upgrade"}' % token_hex(16).encode()
        url = f"{self.env['SLUICE_URL']}/api/1/envelope/?sentry_key={self.env['SLUICE_PUBLIC_KEY']}"
        with urlopen(Request(url, body), timeout=20) as answer:
            assert answer.status == 200

    def reasons(self, writer: Writer) -> list[str]:
        """Why lanes of a writer wait."""
        with urlopen(f"http://{HOST}:{writer.port}/health", timeout=5) as answer:
            lanes: list[dict[str, Any]] = json.load(answer)["lanes"]
        return [str(lane["waiting"]) for lane in lanes if lane["waiting"]]

    def everything_is_stored_once(self) -> None:
        self.load.stop()
        # The gateway that stops closes connections, and answers 503 to what is half sent.
        assert self.load.statuses.keys() <= {200, 202, 503, 0}, self.load.unexpected
        assert_exactly_once(self, self.load)  # type: ignore[arg-type]
        clickhouse = ClickHouse(self.env["SLUICE_CLICKHOUSE_URL"])
        new = "SELECT count() FROM errors WHERE release = 'upgrade'"
        wait_until(lambda: clickhouse.query(new) == [(1,)], 60, "the event in one row")
        clickhouse.close()
        assert self.reasons(self.new_writer) == []


@pytest.fixture
def upgrade(
    previous: Path,
    tmp_path: Path,
    clickhouse_database_url: str,
    postgres_database: str,
    redis_url: str,
    kafka_url: str,
    topic_prefix: str,
) -> Iterator[Upgrade]:
    environment = {
        **unset_of_sluice(),
        "SLUICE_QUEUE_URL": kafka_url,
        "SLUICE_TOPICS_PREFIX": topic_prefix,
        "SLUICE_CLICKHOUSE_URL": clickhouse_database_url,
        "SLUICE_POSTGRES_URL": postgres_database,
        "SLUICE_REDIS_URL": redis_url,
        "SLUICE_SOURCEMAPS_DIR": str(tmp_path / "sourcemaps"),
    }
    with ExitStack() as exits:
        yield Upgrade(tmp_path, previous, environment, exits)


def test_writers_before_gateways_as_documented(upgrade: Upgrade) -> None:
    upgrade.change(upgrade.old_writer, upgrade.new_writer)
    upgrade.change(upgrade.old_gateway, upgrade.new_gateway)
    upgrade.send_what_is_new()
    upgrade.everything_is_stored_once()


def test_gateways_before_writers_make_lanes_wait_until_the_upgrade_is_finished(upgrade: Upgrade) -> None:
    upgrade.change(upgrade.old_gateway, upgrade.new_gateway)
    upgrade.send_what_is_new()
    wait_until(lambda: upgrade.reasons(upgrade.old_writer), 60, "a lane of the old writer that waits")
    (reason,) = upgrade.reasons(upgrade.old_writer)
    assert "unknown format 'sentry.errors': upgrade the writers before the gateways" in reason
    upgrade.change(upgrade.old_writer, upgrade.new_writer)
    upgrade.everything_is_stored_once()


def _of_previous(command: Callable[[], Command], folder: Path) -> Callable[[], Command]:
    """The same program, with the packages of the version before."""

    def make() -> Command:
        mine = command()
        return replace(mine, cwd=folder, env={**mine.env, "PYTHONPATH": str(folder)})

    return make
