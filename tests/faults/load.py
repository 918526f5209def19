"""A load that remembers which records were acknowledged, and which may or may not be stored."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from tests.faults.sent_records import ACKNOWLEDGED, REFUSED, UNKNOWN, SentRecords, SentRequests
from tests.faults.shapes import SHAPES, Shape, encoded
from tests.integration.stack import RunningStack, wait_until

ANSWER_WITHIN_S = 15.0
NEW_CONNECTION_EVERY = 10
"""Requests on one connection: with new ones, every gateway on the port gets some."""

_OUTCOMES = {200: ACKNOWLEDGED, 202: ACKNOWLEDGED, 503: UNKNOWN, 0: UNKNOWN}


class Load:
    """Connections that send records of all signals at a bounded rate until told to stop. Use it in a `with`.

    `sent`: the outcome of each record. `statuses`: how often each status came, 0 for no answer.
    """

    def __init__(
        self,
        stack: RunningStack,
        run: str,
        *,
        records_per_s: float = 2_000,
        shapes: Sequence[Shape] = SHAPES,
        port: int | None = None,
    ) -> None:
        """`port`: of another gateway than the stack's."""
        self.sent = SentRecords(run)
        self.statuses: Counter[int] = Counter()
        self.unexpected: list[str] = []
        """Answers that no fault explains."""
        self.slowest_s = 0.0
        """Of all answers."""
        address = urlsplit(stack.env["SLUICE_URL"])
        self._address = (address.hostname or "", port or address.port or 0)
        self._bearer = {"Authorization": f"Bearer {stack.env['SLUICE_INGEST_KEY']}"}
        self._under_way: dict[_Sender, float] = {}
        """When each request began that has no answer yet."""
        self._ended = threading.Event()
        self._lock = threading.Lock()
        whole = sum(shape.share for shape in shapes)
        self._threads = [
            self._thread(shape, n, records_per_s * shape.share / whole / shape.connections)
            for shape in shapes
            for n in range(shape.connections)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop, and wait until every request is answered or has failed."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    @property
    def acknowledged(self) -> int:
        return self.sent.records(ACKNOWLEDGED)

    def wait_for(self, status: int, more: int = 1, within_s: float = 90.0) -> None:
        """Wait until this status has come so many times more."""
        before = self.statuses[status]
        wait_until(lambda: self.statuses[status] >= before + more, within_s, f"{more} answers of {status}")

    def wait_out(self, within_s: float = 90.0) -> None:
        """Wait until what is under way now is answered or has failed."""
        now = time.monotonic()
        wait_until(
            lambda: all(began > now for began in [*self._under_way.values()]), within_s, "an end of what was under way"
        )

    def _thread(self, shape: Shape, number: int, records_per_s: float) -> threading.Thread:
        sender = _Sender(*self._address, self._bearer)
        requests = self.sent.open(f"{shape.name}{number}", shape)
        return threading.Thread(target=self._send_on, args=(sender, requests, records_per_s), daemon=True)

    def _send_on(self, sender: "_Sender", requests: SentRequests, records_per_s: float) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            turn, ids = requests.begin(requests.shape.size(len(requests.sizes)))
            self._under_way[sender] = began = time.monotonic()
            status, answer = sender.post(requests.shape.route, encoded(requests.shape, ids))
            requests.end(turn, _OUTCOMES.get(status, REFUSED))
            with self._lock:
                del self._under_way[sender]
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.statuses[status] += 1
                if status not in _OUTCOMES:
                    self.unexpected.append(f"{status} for {ids[0]}: {answer[:200]!r}")
            now = time.monotonic()
            due = max(due + len(ids) / records_per_s, now - 1.0)  # it doesn't catch up after a fault
            self._ended.wait(max(due - now, 0.0 if status in (200, 202) else 0.1))
        sender.close()


class _Sender:
    """One connection, recreated after it breaks, and now and then."""

    def __init__(self, host: str, port: int, headers: dict[str, str]) -> None:
        self._headers = headers
        self._connection = http.client.HTTPConnection(host, port, timeout=ANSWER_WITHIN_S)
        self._left = NEW_CONNECTION_EVERY

    def post(self, route: str, body: bytes) -> tuple[int, bytes]:
        """(status, answer); status 0 without an answer."""
        self._left -= 1
        if self._left <= 0:
            self.close()
            self._left = NEW_CONNECTION_EVERY
        try:
            self._connection.request("POST", route, body, self._headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, b""

    def close(self) -> None:
        self._connection.close()
