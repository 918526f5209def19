"""Logs of the documented shape (`POST /ingest/logs`), varied so that compression is honest.

Five logs in a row belong to one request of the made-up service and share its trace: ids don't compress, and real logs
hold about that many.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import TypeVar

LOGS_A_TRACE = 5
SERVICE, ENVIRONMENT, RELEASE = "my-app", "production", "2026.2.1"

_T = TypeVar("_T")

_LOG = (
    b'{"level":"%b","message":"%b","timestamp":"%b.%03dZ","metadata":{"userId":"u_%06d","plan":"%b","method":"%b",'
    b'"path":"/api/%b/%d/%b","status":%d,"duration_ms":%d.%d,"cached":%b,"region":"%b","host":"web-%02d.internal",'
    b'"agent":"Mozilla/5.0 (%b) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36"},'
    b'"trace_id":"%032x","span_id":"%016x","request_id":"req_%012x","context":"%b"}'
)
_LEVELS = (b"info",) * 7 + (b"debug", b"warn", b"error")
_MESSAGES = (
    b"User u_%06d signed up with the code %08x",
    b"Payment of order ord_%06d failed: card_declined (attempt %x)",
    b"Slow query on orders: %d rows, cache key %08x",
    b"Cache miss for session %06d, filled from replica %x",
    b"GET /api/orders/%d answered, etag %08x",
    b"Webhook delivery %06d took another try, signature %08x",
    b"Job %06d of queue emails done by worker %x",
    b"Feature flag checkout_v2 evaluated for account %06d, bucket %x",
)
_PLANS = (b"free", b"pro", b"team", b"enterprise")
_METHODS = (b"GET", b"GET", b"GET", b"POST", b"PUT", b"DELETE")
_NOUNS = (b"users", b"orders", b"invoices", b"sessions", b"projects", b"carts")
_VERBS = (b"items", b"history", b"status", b"preview", b"summary")
_STATUSES = (200, 200, 200, 201, 204, 304, 400, 404, 500)
_REGIONS = (b"us-east-1", b"eu-central-1", b"ap-southeast-2")
_SYSTEMS = (b"X11; Linux x86_64", b"Windows NT 10.0; Win64; x64", b"Macintosh; Intel Mac OS X 10_15_7")
_CONTEXTS = (b"auth.service", b"billing.service", b"http.server", b"jobs.worker")
_TRUTH = (b"true", b"false")


class LogMaker:
    """An endless row of different logs; the same `seed` gives the same ones. Times rise by about 1 ms a log."""

    def __init__(self, seed: int, starts_at_s: float) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret
        self._ms = int(starts_at_s * 1000)
        self._second = 0
        self._second_text = b""
        self._made = 0
        self._trace = 0

    def log(self) -> bytes:
        """One log, a JSON object of about 550 bytes."""
        random, pick = self._random.random, self._pick
        if self._made % LOGS_A_TRACE == 0:
            self._trace = self._random.getrandbits(128)
        self._made += 1
        self._ms += int(random() * 3)
        number = int(random() * 1_000_000)
        message = pick(_MESSAGES) % (number, self._random.getrandbits(32))
        return _LOG % (
            pick(_LEVELS),
            message,
            self._time(self._ms // 1000),
            self._ms % 1000,
            number,
            pick(_PLANS),
            pick(_METHODS),
            pick(_NOUNS),
            number,
            pick(_VERBS),
            pick(_STATUSES),
            int(random() * 900),
            int(random() * 10),
            pick(_TRUTH),
            pick(_REGIONS),
            int(random() * 40),
            pick(_SYSTEMS),
            110 + int(random() * 30),
            self._trace,
            self._random.getrandbits(64),
            self._trace & 0xFFFF_FFFF_FFFF,
            pick(_CONTEXTS),
        )

    def array(self, n: int) -> bytes:
        """A JSON array of `n` logs: what an envelope holds."""
        return b"[%b]" % b",".join(self.log() for _ in range(n))

    def body(self, n: int) -> bytes:
        """The body of a request with `n` logs: 0.6 kB for one, 55 kB for a hundred."""
        return body_of(self.array(n))

    def _pick(self, choices: tuple[_T, ...]) -> _T:
        return choices[int(self._random.random() * len(choices))]

    def _time(self, second: int) -> bytes:
        if second != self._second:
            self._second = second
            self._second_text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
        return self._second_text


def body_of(array: bytes) -> bytes:
    """The request body that carries a JSON array of logs."""
    return b'{"service":"%b","environment":"%b","release":"%b","logs":%b}' % (
        SERVICE.encode(),
        ENVIRONMENT.encode(),
        RELEASE.encode(),
        array,
    )


def bodies(n: int, count: int, starts_at_s: float, seed: int = 1) -> list[bytes]:
    """`count` different request bodies of `n` logs each."""
    maker = LogMaker(seed, starts_at_s)
    return [maker.body(n) for _ in range(count)]


def arrays(n: int, count: int, starts_at_s: float, seed: int = 1) -> Iterator[bytes]:
    """`count` different JSON arrays of `n` logs each, made as they are asked for."""
    maker = LogMaker(seed, starts_at_s)
    return (maker.array(n) for _ in range(count))
