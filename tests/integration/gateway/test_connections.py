"""A stranger's connections: how many, how long they are kept, and how much is logged of them."""

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.gateway_process import BATCH, LOGS, GatewayProcess, log_of, read_answer
from tests.integration.stack import wait_until

GET = b"GET /health HTTP/1.1\r\nHost: sluice\r\n\r\n"
HALF = b"POST /ingest/logs HTTP/1.1\r\nHost: sluice\r\nContent-Length: 3\r\n\r\n{"


@contextmanager
def held(gateway: GatewayProcess, n: int, *, sent: bytes = GET[:20]) -> Iterator[list[socket.socket]]:
    """So many connections, each in the middle of a request, or with its answer where all of it is sent."""
    with ExitStack() as stack:
        opened = []
        for _ in range(n):
            opened.append(stack.enter_context(gateway.connect()))
            opened[-1].sendall(sent)
            if sent == GET:
                assert _status(opened[-1]) == 200
        for connection in opened:
            gateway.wait_until_read(connection)
        yield opened


def asked(connection: socket.socket, request: bytes = GET) -> int:
    """The status of the answer to a request."""
    connection.sendall(request)
    return _status(connection)


def _status(connection: socket.socket) -> int:
    answer = read_answer(connection)
    assert answer is not None
    return answer.status


@pytest.fixture(scope="module")
def small(start_gateway: StartGateway) -> GatewayProcess:
    return start_gateway(max_connections=10, answer_timeout_s=2)


@contextmanager
def at_work(gateway: GatewayProcess, n: int) -> Iterator[list[socket.socket]]:
    """So many connections whose requests wait for the queue, and are stored afterwards."""
    body = json.dumps(log_of("m")).encode()
    head = f"POST {LOGS} HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer {gateway.keys.ingest}\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with ExitStack() as stack:
        with gateway.queue_away():
            opened = stack.enter_context(held(gateway, n, sent=request))
            yield opened
        assert [_status(connection) for connection in opened] == [200] * n


def test_beyond_the_most_connections_one_is_told_503_and_closed(small: GatewayProcess) -> None:
    with at_work(small, 10):
        for path, said in ((LOGS, b'{"error":"Service'), (BATCH, b'{"detail":"Log storage')):
            with small.connect() as late:
                late.sendall(f"POST {path} HTTP/1.1\r\nHost: sluice\r\nContent-Length: 2\r\n\r\n{{}}".encode())
                answer = read_answer(late)
                assert answer is not None
                assert (answer.status, answer.headers["connection"]) == (503, "close")
                assert int(answer.headers["retry-after"]) > 0
                assert answer.body.startswith(said)
                assert late.recv(1) == b""
    wait_until(lambda: _health(small), 10, "room again")


def test_the_others_are_served_meanwhile(small: GatewayProcess) -> None:
    with ExitStack() as late, at_work(small, 10):
        for _ in range(300):
            late.enter_context(small.connect())
    wait_until(lambda: _health(small), 10, "room again")


@pytest.mark.parametrize("sent", [b"", GET[:20], GET, HALF], ids=["nothing", "half a head", "a request", "half a body"])
def test_a_full_house_of_those_that_wait_keeps_no_honest_sender_out(small: GatewayProcess, sent: bytes) -> None:
    with held(small, 10, sent=sent):
        for _ in range(30):
            assert small.post(LOGS, log_of("m")).status == 200
        assert _connections(small) <= 10


def test_one_too_many_that_says_nothing_is_closed_within_seconds(small: GatewayProcess) -> None:
    with at_work(small, 10), small.connect() as silent:
        assert _is_closed(silent)
    wait_until(lambda: _health(small), 10, "room again")


def _health(gateway: GatewayProcess) -> bool:
    try:
        return gateway.request("GET", "/health").status == 200
    except OSError:
        return False


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_client_that_reads_no_answers_is_cut_off(small: GatewayProcess) -> None:
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", small.port))
        deaf.settimeout(1)
        try:
            for _ in range(1_000):
                deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: sluice\r\n\r\n" * 100)
        except TimeoutError:
            pass  # nobody reads it any more
        wait_until(lambda: _connections(small) == 0, 15, "the end of the connection")


def test_a_client_that_reads_slowly_but_reads_is_served(small: GatewayProcess) -> None:
    with small.connect() as slow:
        for _ in range(5):
            assert asked(slow) == 200
            sleep(0.6)


def _connections(gateway: GatewayProcess) -> int:
    """Connections that the gateway has."""
    return sum(
        line.split()[1].endswith(f":{gateway.port:04X}") and line.split()[3] == "01"
        for line in Path(f"/proc/{gateway.process.pid}/net/tcp").read_text().splitlines()[1:]
    )


def test_as_many_files_may_be_open_as_the_system_allows(small: GatewayProcess) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert resource.prlimit(small.process.pid, resource.RLIMIT_NOFILE)[0] == hard


def test_without_a_free_descriptor_open_connections_are_served_and_stored(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    gateway.post(LOGS, log_of("first"))
    with held(gateway, 1, sent=GET) as (connection,):
        _, hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (3, hard))
        for n in range(5):
            body = b'{"logs":[{"level":"info","message":"%d"}]}' % n
            head = f"POST {LOGS} HTTP/1.1\r\nHost: s\r\nAuthorization: Bearer {gateway.keys.ingest}\r\n"
            assert asked(connection, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body) == 200
        resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    assert sum(len(records) for _, records in gateway.stored()) == 6


BAD: dict[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    "an upgrade": b"GET /health HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an unknown path": b"GET /nowhere HTTP/1.1\r\nHost: s\r\n\r\n",
    "an unknown key": b"POST /ingest/logs HTTP/1.1\r\nHost: s\r\nX-API-Key: x\r\nContent-Length: 2\r\n\r\n{}",
    "no JSON": b"POST /ingest/logs HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n{x",
    "half a body": b"POST /ingest/logs HTTP/1.1\r\nHost: s\r\nContent-Length: 2000\r\n\r\n{x",
    "broken chunks": b"POST /ingest/logs HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "another method": b"DELETE /health HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n",
    "a drain": b"POST /ingest/drain HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n[]",
    "a read": b"GET /api/v1/projects/p/logs HTTP/1.1\r\nHost: s\r\nX-API-Key: x\r\n\r\n",
    "a strange header": b"GET /health HTTP/1.1\r\nHost: s\r\nOrigin: \xff\xfe\r\nX: \x80\r\n\r\n",
    "a strange path": b"GET /%ff/%00/\x80 HTTP/1.1\r\nHost: s\r\n\r\n",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_flood_of_bad_requests_is_no_flood_of_lines(gateway: GatewayProcess, kind: str) -> None:
    before, begun = len(gateway.log.splitlines()), monotonic()
    for _ in range(100):
        with gateway.connect() as connection:
            connection.sendall(BAD[kind])
            if kind != "half a body":
                connection.recv(65_536)
    lines = gateway.log.splitlines()[before:]
    assert len(lines) <= 2 * (monotonic() - begun + 1), lines[:5]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/health/ready", "/health/ready/"])
def test_no_other_sites_page_may_read_what_is_for_operators(gateway: GatewayProcess, path: str) -> None:
    origin = {"Origin": "https://evil.example"}
    for method in ("GET", "HEAD", "POST"):
        answer = gateway.request(method, path, None, origin)
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-expose-headers" not in answer.headers
        assert answer.headers["x-request-id"]
    preflight = gateway.request("OPTIONS", path, None, origin | {"Access-Control-Request-Method": "GET"})
    assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/nowhere"])
def test_pages_for_everybody_stay_readable(gateway: GatewayProcess, path: str) -> None:
    assert gateway.request("GET", path, None, {"Origin": "https://a.example"}).headers["access-control-allow-origin"]


def test_bodies_that_are_never_sent_whole_take_no_memory_from_honest_ones(start_gateway: StartGateway) -> None:
    gateway = start_gateway(held_bytes=1_000_000)
    large = b"POST /ingest/logs HTTP/1.1\r\nHost: s\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 200_000
    body = {"logs": [log_of("m" * 1_000)["logs"][0]] * 100}
    for part in (large, large[:20_000]):
        with held(gateway, 60, sent=part):
            for _ in range(10):
                assert gateway.post(LOGS, body).status == 200


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 16_000, b"GET / HTTP/1.1\r\n\r\n" * 10_000],
    ids=["headers", "requests that wait"],
)
def test_what_is_short_on_the_wire_is_not_long_in_memory(start_gateway: StartGateway, sent: bytes) -> None:
    gateway = start_gateway()
    gateway.post(LOGS, log_of("m"))
    before = gateway.memory("VmRSS")
    gateway.forget_peak()
    with ExitStack() as stack:
        opened = [stack.enter_context(gateway.connect()) for _ in range(100)]
        for connection in opened:
            with suppress(OSError):  # it may be refused in the middle
                connection.sendall(sent)
        for connection in opened:
            gateway.wait_until_read(connection)
        assert gateway.post(LOGS, log_of("m")).status == 200
        assert gateway.memory("VmHWM") - before < 60_000_000
