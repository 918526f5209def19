"""All that questions are asked of: engines with the week's rows, and a gateway that does nothing but answer."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from deploy.bench.engines import Engines, Phase
from deploy.bench.reading.asker import Asker
from deploy.bench.reading.data.fill import fill
from deploy.bench.reading.data.week import Week
from deploy.bench.reading.login import session_cookie
from deploy.local.ports import HOST
from deploy.local.sluice_processes import Gateway
from shared.clients.clickhouse import ClickHouse

STEPS = 6

_FIRST_TIME = "use_query_condition_cache=0"
"""The server remembers where in a table a condition found nothing. Who asks for the first time gains nothing."""


@dataclass(frozen=True)
class Stage:
    """`gateway` has the role `query` alone; ingest is another process's."""

    engines: Engines
    phase: Phase
    clickhouse: ClickHouse
    gateway: Gateway
    week: Week

    @property
    def pids(self) -> tuple[int, int]:
        """The processes that an answer costs CPU time."""
        return self.gateway.pid or 0, self.engines.clickhouse_pid

    def asker(self) -> Asker:
        """A reader of the largest project."""
        return Asker(self.gateway.port or 0, self.engines.demo.read_key)

    def visitor(self) -> Asker:
        """The same, logged in to the pages. Raises `JobFailed`."""
        port, key = self.gateway.port or 0, self.engines.demo.read_key
        return Asker(port, key, session_cookie(f"http://{HOST}:{port}", key))


@contextmanager
def stage(running: Engines, logs: int, step: Callable[[str], None]) -> Iterator[Stage]:
    """The rows are made, the gateway runs. Raises `DidNotStart`, `JobFailed`. `step` is called `STEPS` times."""
    with closing(ClickHouse(running.clickhouse_url)) as clickhouse:
        phase, week = running.phase("reading"), Week.before_now(logs)
        fill(clickhouse, week, step)
        step("the gateway starts")
        environment = {
            **phase.environment,
            "SLUICE_GATEWAY_ROLES": "query",
            "SLUICE_CLICKHOUSE_READ_URL": f"{running.clickhouse_url}?{_FIRST_TIME}",
        }
        running.demo  # noqa: B018 - makes the keys
        with Gateway(phase.log("query"), None, environment) as gateway:
            yield Stage(running, phase, clickhouse, gateway, week)
