"""A load that remembers: which records were acknowledged, which may or may not have been stored."""

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

from clickhouse_driver.errors import Error as ClickHouseError

from tests.integration.stack import RunningStack, wait_until


class Load:
    """A few connections that send logs, each with an id of its own as its message, until told to stop.

    `acknowledged`: ids answered with 2xx; `unknown`: ids of requests without an answer, or with 503 (the queue may have
    stored them). `statuses`: how often each status came.
    """

    def __init__(self, stack: RunningStack, name: str, connections: int = 4, logs_per_request: int = 5) -> None:
        self.acknowledged: set[str] = set()
        self.unknown: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._name = name
        self._address = urlsplit(stack.env["SLUICE_URL"])
        self._key = stack.env["SLUICE_INGEST_KEY"]
        self._per_request = logs_per_request
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send_on, args=(n,)) for n in range(connections)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, status: int, more: int = 1, within_s: float = 30.0) -> None:
        """Until this status came that many times more."""
        before = self.statuses[status]
        wait_until(lambda: self.statuses[status] >= before + more, within_s, f"{more} answers of {status}")

    def _send_on(self, number: int) -> None:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=40)
        for turn in itertools.count():
            if self._ended.is_set():
                break
            ids = [f"{self._name}-{number}-{turn}-{index}" for index in range(self._per_request)]
            status = self._send(connection, ids)
            with self._lock:
                self.statuses[status] += 1
                (self.acknowledged if status == 200 else self.unknown).update(ids)
            time.sleep(0.005 if status == 200 else 0.1)
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, ids: list[str]) -> int:
        """The status; 0 for no answer."""
        body = json.dumps({"logs": [{"level": "info", "message": each} for each in ids]})
        try:
            connection.request("POST", "/ingest/logs", body, {"Authorization": f"Bearer {self._key}"})
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0


def assert_exactly_once(stack: RunningStack, load: Load, within_s: float = 60.0) -> None:
    """Every acknowledged record is one row, every unknown one at most one, and there are no others."""
    sql = f"SELECT message, count() AS n FROM logs WHERE startsWith(message, '{load._name}-') GROUP BY message"

    def stored() -> dict[str, int] | None:
        try:
            found = {row["message"]: row["n"] for row in stack.rows(sql)}
        except (ClickHouseError, EOFError):
            return None  # it is being restarted
        return found if load.acknowledged <= found.keys() else None

    assert load.acknowledged, "the load got nothing acknowledged: the test would show nothing"
    counts = wait_until(stored, within_s, f"all {len(load.acknowledged)} acknowledged records stored", every_s=0.5)
    assert {message: n for message, n in counts.items() if n != 1} == {}
    assert counts.keys() - load.acknowledged - load.unknown == set()
