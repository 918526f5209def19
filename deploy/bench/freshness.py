"""From the gateway's 2xx to a row that a query finds, while gateway and writer run at half of what they can do.

Marker logs go over a connection of their own. Each carries its number as a timestamp of long ago, so that the primary
key finds all of them at once, however many other rows there are.
"""

import http.client
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from time import perf_counter, sleep

import msgspec

from deploy.bench import load
from deploy.bench.effort import Effort
from deploy.bench.engines import Engines
from deploy.bench.gateway_bench import VARIED, requests
from deploy.bench.jobs import JobFailed
from deploy.bench.process import peak_bytes
from deploy.local.ports import HOST
from deploy.local.sluice_processes import Gateway, Writer
from shared.clients.clickhouse import ClickHouse

MARKER_EVERY_S = 0.02
_LOOK_EVERY_S = 0.01
_LAST_S = 30.0
"""How long the last marker may take to be seen."""
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_MARKERS = (
    "SELECT toUnixTimestamp(timestamp) - toUnixTimestamp(%(from)s, 'UTC') FROM logs"
    " WHERE project_id = %(project)s AND timestamp < toDateTime(%(to)s, 'UTC')"
)


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from 2xx to queryable over `markers` records, at the load that there really was."""

    p50_s: float
    p99_s: float
    markers: int
    logs_per_second: float
    gateway_peak_bytes: int
    writer_peak_bytes: int


def measure_freshness(
    engines: Engines, effort: Effort, logs_per_second: float, step: Callable[[str], None]
) -> Freshness:
    """Freshness under this load. Raises `JobFailed` when a request is refused or a marker does not appear."""
    step(f"freshness at {logs_per_second:,.0f} logs a second")
    phase = engines.phase("fresh")
    with (
        Writer(phase.log("writer"), None, phase.environment) as writer,
        Gateway(phase.log("gateway"), None, phase.environment) as gateway,
        closing(ClickHouse(engines.clickhouse_url)) as clickhouse,
    ):
        job = load.Job(
            port=gateway.port or 0,
            pid=gateway.pid or 0,
            requests=requests(gateway.port or 0, engines.demo.ingest_key, VARIED),
            connections=effort.connections,
            warm_up_s=2 * effort.warm_up_s,
            seconds=effort.fresh_s,
            rate=logs_per_second / VARIED.records,
        )
        markers = Markers(clickhouse, engines.demo.project_id, job.port, engines.demo.ingest_key)
        markers.wait_for_first()
        running = load.start(job)
        try:
            sleep(job.warm_up_s)
            waits = markers.measure(effort.fresh_s)
            outcome = running.result().checked()
        finally:
            running.stop()
        return Freshness(
            p50_s=percentile(waits, 0.50),
            p99_s=percentile(waits, 0.99),
            markers=len(waits),
            logs_per_second=outcome.rate * VARIED.records,
            gateway_peak_bytes=peak_bytes(gateway.pid or 0),
            writer_peak_bytes=peak_bytes(writer.pid or 0),
        )


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


class Markers:
    """Sends markers from a thread and looks for them from this one."""

    def __init__(self, clickhouse: ClickHouse, project_id: str, port: int, key: str) -> None:
        self._clickhouse = clickhouse
        self._project_id = project_id
        self._port = port
        self._key = key
        self._answered: dict[int, float] = {}
        self._failed = ""

    def wait_for_first(self) -> None:
        """Until a marker has come through: the writer has its lanes by then. Raises `JobFailed`."""
        self._wait_for_all(range(-1, 0), 0.0)
        self._answered.clear()

    def measure(self, seconds: float) -> list[float]:
        """Seconds from 2xx to seen, of every marker sent within `seconds`. Raises `JobFailed`."""
        seen = self._wait_for_all(range(max(1, int(seconds / MARKER_EVERY_S))), seconds)
        return [max(0.0, seen[number] - at) for number, at in self._answered.items()]

    def _wait_for_all(self, numbers: range, seconds: float) -> dict[int, float]:
        """When each of these markers was seen."""
        sender = threading.Thread(target=self._send, args=(numbers,))
        sender.start()
        seen: dict[int, float] = {}
        deadline = perf_counter() + seconds + _LAST_S
        while sender.is_alive() or self._answered.keys() - seen.keys():
            sleep(_LOOK_EVERY_S)
            visible = self._visible()
            now = perf_counter()
            for number in visible:
                seen.setdefault(number, now)
            if now > deadline:
                break
        sender.join()
        if lost := self._answered.keys() - seen.keys():
            raise JobFailed(self._failed or f"{len(lost)} of {len(self._answered)} markers did not appear in time")
        if self._failed:
            raise JobFailed(self._failed)
        return seen

    def _visible(self) -> list[int]:
        values = {"project": self._project_id, "from": _LONG_AGO, "to": _LONG_AGO.replace(year=2021)}
        return [row[0] for row in self._clickhouse.query(_MARKERS, values)]

    def _send(self, numbers: range) -> None:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection(HOST, self._port, timeout=10.0)) as connection:
            began = perf_counter()
            try:
                for number in numbers:
                    sleep(max(0.0, began + number * MARKER_EVERY_S - perf_counter()))
                    connection.request("POST", "/ingest/logs", marker(number), headers)
                    answer = connection.getresponse()
                    self._answered[number] = perf_counter()
                    if answer.status != 200:
                        self._failed = f"marker {number} was answered {answer.status}: {answer.read().decode()}"
                        return
                    answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._failed = f"a marker could not be sent: {error}"


def marker(number: int) -> bytes:
    """The body of a marker: one log, so many seconds after `_LONG_AGO`."""
    when = datetime.fromtimestamp(_LONG_AGO.timestamp() + number, UTC)
    log = {"level": "info", "message": "marker", "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return msgspec.json.encode({"service": "marker", "logs": [log]})
