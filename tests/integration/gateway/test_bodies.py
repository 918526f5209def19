"""Bodies: packed, too large, too deep, too slow (contracts.md, "Bodies"), against a gateway process."""

import gzip
import json
import random
import socket
import threading
import time
import zlib
from collections.abc import Callable
from statistics import median

import cramjam
import pytest

from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.gateway_process import BATCH, LOGS, GatewayProcess, log_of, read_answer

MB = 1_000_000


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACK = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": lambda body: bytes(cramjam.brotli.compress(body)),
    "zstd": lambda body: bytes(cramjam.zstd.compress(body)),
    "identity": lambda body: body,
}


def texts(gateway: GatewayProcess) -> list[str]:
    return [record["message"] for _, records in gateway.stored() for record in records]


@pytest.mark.parametrize("coding", PACK)
def test_every_coding_is_unpacked_on_both_apis(gateway: GatewayProcess, coding: str) -> None:
    small, large = f"small {coding}", f"large {coding}"
    padded = {"logs": [{"level": "info", "message": large}] + [{"level": "info", "message": "x" * 900}] * 900}
    assert gateway.post(LOGS, PACK[coding](json.dumps(log_of(small)).encode()), content_encoding=coding).status == 200
    assert gateway.post(LOGS, PACK[coding](json.dumps(padded).encode()), content_encoding=coding).status == 200
    batch = {**log_of(f"batch {coding}"), "api_key": gateway.keys.ingest}
    answer = gateway.request("POST", BATCH, PACK[coding](json.dumps(batch).encode()), {"Content-Encoding": coding})
    assert answer.status == 202
    assert {small, large, f"batch {coding}"} <= set(texts(gateway))


@pytest.mark.parametrize("coding", ["compress", "gzip, br", "snappy"])
def test_another_coding_is_415(gateway: GatewayProcess, coding: str) -> None:
    answer = gateway.post(LOGS, log_of("m"), content_encoding=coding)
    assert (answer.status, answer.json) == (415, {"error": "Unsupported content encoding"})
    answer = gateway.post(BATCH, log_of("m"), content_encoding=coding)
    assert (answer.status, answer.json) == (415, {"detail": "Unsupported content encoding"})


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_is_not_packed_as_it_says_is_malformed(gateway: GatewayProcess, coding: str) -> None:
    cut_off = PACK[coding](json.dumps(log_of("m")).encode())[:-5]
    for body in (b"{}", b"", b"hello world", cut_off):
        answer = gateway.post(LOGS, body, content_encoding=coding)
        assert (answer.status, answer.json) == (400, {"error": "Malformed JSON in request body"})
        answer = gateway.post(BATCH, body, content_encoding=coding)
        assert (answer.status, answer.json["detail"][0]["type"]) == (422, "json_invalid")


def test_more_than_5_mb_on_the_wire_is_413_with_each_apis_body(gateway: GatewayProcess) -> None:
    body = b'{"logs":[' + b" " * 5 * MB + b"]}"
    answer = gateway.post(LOGS, body)
    assert (answer.status, answer.json) == (413, {"error": "Request body too large"})
    answer = gateway.post(BATCH, body)
    assert (answer.status, answer.json) == (413, {"detail": "Request body too large"})


def test_more_than_5_mb_in_chunks_is_413_without_reading_on(gateway: GatewayProcess) -> None:
    with gateway.connect() as connection:
        connection.sendall(head(gateway, "Transfer-Encoding: chunked"))
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(5 * MB // 0x10000 + 1):
            connection.sendall(piece)
        answer = read_answer(connection)
    assert answer is not None
    assert answer.status == 413


def test_unpacked_bodies_end_at_20_mb(gateway: GatewayProcess) -> None:
    noise = random.Random(1).randbytes(60_000).hex().encode()  # packs to a half, so the ratio doesn't matter

    def body(size: int) -> bytes:
        return b'{"logs":[{"level":"info","message":"m"}],"x":"' + noise * (size // len(noise)) + b'"}'

    packed = bytes(cramjam.zstd.compress(body(19 * MB)))
    assert gateway.post(LOGS, packed + skipped(100_000), content_encoding="zstd").status == 200
    packed = bytes(cramjam.zstd.compress(body(21 * MB)))
    assert gateway.post(LOGS, packed + skipped(110_000), content_encoding="zstd").status == 413


def skipped(size: int) -> bytes:
    """A zstd frame that unpacks to nothing."""
    return b"\x50\x2a\x4d\x18" + size.to_bytes(4, "little") + bytes(size)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_refused_in_bounded_memory(gateway: GatewayProcess, coding: str) -> None:
    zeros = bytes(400 * MB)
    bomb = bytes(cramjam.brotli.compress(zeros, level=1)) if coding == "br" else PACK[coding](zeros)
    if coding == "zstd":  # so that the unpacked size ends it, not the ratio
        bomb += skipped(200_000)
    gateway.post(LOGS, log_of("warm"))
    before = gateway.memory("VmRSS")
    gateway.forget_peak()
    statuses: list[int] = []
    bombs = [
        threading.Thread(target=lambda: statuses.append(gateway.post(LOGS, bomb, content_encoding=coding).status))
        for _ in range(6)
    ]
    for thread in bombs:
        thread.start()
    for thread in bombs:
        thread.join()
    assert statuses == [413] * 6
    assert gateway.memory() - before < 80 * MB


def test_other_requests_go_on_while_large_bodies_are_unpacked(gateway: GatewayProcess) -> None:
    body = b'{"logs":[{"level":"info","message":"m"}],"x":"' + random.Random(2).randbytes(4 * MB).hex().encode() + b'"}'
    packed = bytes(cramjam.brotli.compress(body, level=1))[: 5 * MB]
    ended = threading.Event()
    posts: list[float] = []

    def unpack_on() -> None:
        while not ended.is_set():
            began = time.perf_counter()
            gateway.post(LOGS, packed, content_encoding="br")
            posts.append(time.perf_counter() - began)

    threads = [threading.Thread(target=unpack_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    waits = []
    while len(posts) < 10:
        began = time.perf_counter()
        assert gateway.request("GET", "/health").status == 200
        waits.append(time.perf_counter() - began)
    ended.set()
    for thread in threads:
        thread.join()
    long = [wait for wait in waits if wait > median(posts) / 2]
    assert len(long) < 5, "while a body is unpacked a request would wait: once a body"


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}")])
def test_json_nested_too_deeply_is_malformed_and_less_deep_is_stored(
    gateway: GatewayProcess, open_: str, close: str
) -> None:
    def body(depth: int) -> bytes:
        text = (
            '{"logs":[{"level":"info","message":"deep","metadata":{"x":' + open_ * depth + "1" + close * depth + "}}]}"
        )
        return text.encode()

    assert gateway.post(LOGS, body(500)).status == 200
    for depth in (520, 100_000):
        answer = gateway.post(LOGS, body(depth))
        assert (answer.status, answer.json) == (400, {"error": "Malformed JSON in request body"})
        assert gateway.post(BATCH, body(depth)).status == 422


def head(gateway: GatewayProcess, *headers: str, path: str = LOGS) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {gateway.keys.ingest}", *headers, "", ""]
    return "\r\n".join(lines).encode()


TIMED_OUT = {LOGS: {"error": "Request timed out"}, BATCH: {"detail": "Request timed out"}}


@pytest.mark.parametrize("path", [LOGS, BATCH])
def test_a_body_that_does_not_come_is_408_and_the_connection_ends(impatient_gateway: GatewayProcess, path: str) -> None:
    with impatient_gateway.connect() as connection:
        connection.sendall(head(impatient_gateway, "Content-Length: 100", path=path) + b'{"logs"')
        answer = read_answer(connection)
        assert answer is not None
        assert (answer.status, answer.json) == (408, TIMED_OUT[path])
        assert answer.headers["x-request-id"]
        assert connection.recv(1) == b""


@pytest.mark.parametrize("path", [LOGS, BATCH])
def test_a_head_that_does_not_come_is_408_and_the_connection_ends(impatient_gateway: GatewayProcess, path: str) -> None:
    with impatient_gateway.connect() as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nOrigin: https://a.example\r\nX-Slow: ".encode())
        began = time.monotonic()
        answer = read_answer(connection)
        assert answer is not None
        assert (answer.status, answer.json) == (408, TIMED_OUT[path])
        assert 0.5 < time.monotonic() - began < 30
        assert answer.headers["x-request-id"]
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        assert connection.recv(1) == b""


def test_a_head_that_drips_in_is_408_all_the_same(impatient_gateway: GatewayProcess) -> None:
    with impatient_gateway.connect() as connection:
        connection.sendall(b"POST /ingest/logs HTTP/1.1\r\n")
        began, answer = time.monotonic(), None
        connection.settimeout(0.1)
        while answer is None and time.monotonic() - began < 60:
            try:
                connection.sendall(b"a")
                answer = read_answer(connection)
            except TimeoutError:
                pass
        assert answer is not None
        assert answer.status == 408


def test_the_head_of_a_second_request_has_its_own_time(start_gateway: StartGateway) -> None:
    gateway = start_gateway(head_timeout_s=4)
    request = head(gateway, "Content-Length: 2") + b"{}"
    with gateway.connect() as connection:
        for _ in range(5):  # each is within the timeout, all together are not
            connection.sendall(request[:30])
            time.sleep(0.9)
            connection.sendall(request[30:])
            answer = read_answer(connection)
            assert answer is not None
            assert answer.status == 400
        connection.sendall(request[:30])
        answer = read_answer(connection)
        assert answer is not None
        assert answer.status == 408


def test_a_connection_that_says_nothing_is_closed(impatient_gateway: GatewayProcess) -> None:
    with impatient_gateway.connect() as connection:
        assert connection.recv(1) == b""


def test_an_idle_connection_between_requests_stays_open(impatient_gateway: GatewayProcess) -> None:
    request = head(impatient_gateway, "Content-Length: 2") + b"{}"
    with impatient_gateway.connect() as connection:
        for pause in (0, 2.5):
            time.sleep(pause)
            connection.sendall(request)
            answer = read_answer(connection)
            assert answer is not None
            assert answer.status == 400


def test_a_body_that_goes_on_after_its_refusal_is_not_listened_to_for_ever(impatient_gateway: GatewayProcess) -> None:
    with impatient_gateway.connect() as connection:
        connection.sendall(head(impatient_gateway, "Content-Length: 900000000"))
        answer = read_answer(connection)
        assert answer is not None
        assert answer.status == 413
        assert is_closed_while(connection, lambda: connection.sendall(b" "))


def test_an_endless_head_is_cut_off(impatient_gateway: GatewayProcess) -> None:
    with impatient_gateway.connect() as connection:
        connection.sendall(b"POST /ingest/logs HTTP/1.1\r\n")
        assert is_closed_while(connection, lambda: connection.sendall(b"x: %s\r\n" % (b"y" * 4000)))


def is_closed_while(connection: socket.socket, act: Callable[[], object], within_s: float = 60.0) -> bool:
    """Whether the gateway closes a connection while `act` is called again and again."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            act()
        except ConnectionError:
            return True
        time.sleep(0.02)
    return False


def test_what_is_no_http_is_told_so_in_json(gateway: GatewayProcess) -> None:
    with gateway.connect() as connection:
        connection.sendall(b"HELLO\r\n\r\n")
        answer = read_answer(connection)
        assert answer is not None
        assert (answer.status, answer.json) == (400, {"error": "Malformed HTTP request"})
        assert answer.headers["x-request-id"]


def test_a_request_that_waits_for_100_continue_gets_it_or_its_refusal(gateway: GatewayProcess) -> None:
    with gateway.connect() as connection:
        connection.sendall(head(gateway, "Content-Length: 2", "Expect: 100-continue"))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        answer = read_answer(connection)
        assert answer is not None
        assert answer.status == 400
    with gateway.connect() as connection:
        connection.sendall(head(gateway, "Content-Length: 6000000", "Expect: 100-continue"))
        answer = read_answer(connection)
        assert answer is not None
        assert answer.status == 413


def test_a_client_that_hangs_up_in_its_body_harms_nobody(gateway: GatewayProcess) -> None:
    with gateway.connect() as connection:
        connection.sendall(head(gateway, "Content-Length: 100") + b"{")
        connection.shutdown(socket.SHUT_RDWR)
    assert gateway.post(LOGS, log_of("after")).status == 200
    assert "Traceback" not in gateway.log
