"""Sends requests to a gateway over a few connections, each again until it is taken
(contracts.md, "Idempotency-Key")."""

import http.client
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Event, local
from urllib.parse import urlsplit

import msgspec

from deploy.demo.records import Kind, Sending

CONNECTIONS = 8
TRIES = 6
TIMEOUT_S = 30.0
AT_ONCE = 400
"""Requests that are handed out together."""

_AGAIN = (408, 429, 502, 503, 504)
_MOST_WAIT_S = 60.0


class NotTaken(Exception):
    """The gateway can't be reached, or refuses; the text says what to do."""


class _Partial(msgspec.Struct, rename="camel"):
    """Of OpenTelemetry."""

    rejected_spans: int | str = 0


class _Answer(msgspec.Struct):
    """`dropped`: records that a batch lost."""

    dropped: int = 0
    partial: _Partial | None = msgspec.field(default=None, name="partialSuccess")


class Sender:
    """Counts what the gateway has taken. Use it in a `with`."""

    def __init__(self, url: str) -> None:
        self.taken: Counter[Kind] = Counter()
        self.requests = 0
        self._url = urlsplit(url)
        self._pool = ThreadPoolExecutor(CONNECTIONS)
        self._mine = local()
        self._ended = Event()
        self._opened: list[http.client.HTTPConnection] = []

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown(cancel_futures=True)
        for connection in self._opened:
            connection.close()

    def send(self, sendings: Iterable[Sending]) -> None:
        """Returns once all are taken. Raises `NotTaken`."""
        for some in _parts(iter(sendings)):
            for sending in self._pool.map(self._send, some):
                self.taken[sending.kind] += sending.records
                self.requests += 1

    def _send(self, sending: Sending) -> Sending:
        for n in range(TRIES):
            try:
                status, body, wait_s = self._once(sending)
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                status, body, wait_s = 0, f"{type(error).__name__}: {error}".encode(), 0.2 * 2**n
            if 200 <= status < 300:
                _check(sending, body)
                return sending
            if status and status not in _AGAIN:
                break
            if n + 1 < TRIES and self._ended.wait(min(wait_s, _MOST_WAIT_S)):
                break
        raise _not_taken(self._url.geturl(), sending, status, body)

    def _once(self, sending: Sending) -> tuple[int, bytes, float]:
        """(status, body, seconds to wait before the next try)."""
        connection = self._connection()
        connection.request("POST", self._url.path.rstrip("/") + sending.path, sending.body, dict(sending.headers))
        answer = connection.getresponse()
        wait = answer.headers.get("Retry-After", "1")
        return answer.status, answer.read(), float(wait) if wait.isdigit() else 1.0

    def _connection(self) -> http.client.HTTPConnection:
        """This thread's."""
        if getattr(self._mine, "connection", None) is None:
            secure = self._url.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            self._mine.connection = kind(self._url.netloc, timeout=TIMEOUT_S)
            self._opened.append(self._mine.connection)
        connection: http.client.HTTPConnection = self._mine.connection
        return connection

    def _drop(self) -> None:
        self._connection().close()
        self._mine.connection = None


def _parts(sendings: Iterator[Sending]) -> Iterator[list[Sending]]:
    while some := list(islice(sendings, AT_ONCE)):
        yield some


def _check(sending: Sending, body: bytes) -> None:
    """Raises `NotTaken` where some of a batch was left out: every record of the demo is a good one."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.MsgspecError:
        return
    dropped = answer.dropped or int(answer.partial.rejected_spans if answer.partial else 0)
    if dropped:
        raise NotTaken(
            f"{sending.path} left out {dropped} of {sending.records} records: {body[:200].decode(errors='replace')}"
        )


def _not_taken(url: str, sending: Sending, status: int, body: bytes) -> NotTaken:
    said = body[:200].decode(errors="replace")
    if not status:
        return NotTaken(f"no gateway answers on {url} ({said}): start one with sluice up")
    if status in (401, 403):
        return NotTaken(
            f"{sending.path} answered {status} ({said}): the key, or the drain's secret, is of another project"
        )
    return NotTaken(f"{sending.path} answered {status} ({said})")
