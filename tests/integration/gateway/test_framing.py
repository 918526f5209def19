"""What a connection says around its bodies: bounded, read in one way only, and never a header by the back door."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.integration.gateway.gateway_process import LOGS, Answer, GatewayProcess, log_of, next_answer, read_answer

MB = 1_000_000


def head(*headers: str, path: str = LOGS) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: sluice", *headers, "", ""]).encode()


def body_of(message: str) -> bytes:
    return json.dumps(log_of(message)).encode()


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


def bearer(gateway: GatewayProcess) -> str:
    return f"Authorization: Bearer {gateway.keys.ingest}"


def pour(connection: socket.socket, first: bytes, again: bytes, most: int = 40 * MB) -> int:
    """Send `first`, then `again` for as long as the gateway takes it; how many bytes that were."""
    sent = 0
    connection.sendall(first)
    with suppress(OSError):
        while sent < most:
            connection.sendall(again)
            sent += len(again)
    return sent


def endless(gateway: GatewayProcess) -> Iterator[tuple[str, bytes, bytes]]:
    """(what, beginning, what follows for ever)."""
    chunked = head("Transfer-Encoding: chunked", bearer(gateway))
    whole = chunk(body_of("m"))
    yield "trailer fields", chunked + whole + b"0\r\n", b"".join(b"X-%d: y\r\n" % n for n in range(5_000))
    yield "one trailer", chunked + whole + b"0\r\nX: ", b"v" * 65_536
    yield "the name of a trailer", chunked + whole + b"0\r\n", b"n" * 65_536
    yield "a chunk's extension", chunked + b"5;", b"e" * 65_536
    yield "extensions of chunks", chunked, chunk(b" ", b";" + b"e" * 3_000)
    yield "a header", head(bearer(gateway))[:-2] + b"X: ", b"v" * 65_536
    yield "headers", head(bearer(gateway))[:-2], b"".join(b"X-%d: y\r\n" % n for n in range(5_000))
    yield "a request line", b"POST /", b"a" * 65_536


@pytest.mark.parametrize("number", range(8))
def test_what_never_ends_is_ended_and_fills_no_memory(gateway: GatewayProcess, number: int) -> None:
    what, first, again = list(endless(gateway))[number]
    before = gateway.memory("VmRSS")
    gateway.forget_peak()
    with gateway.connect() as connection:
        taken = pour(connection, first, again)
    assert taken < 20 * MB, f"{what}: {taken:,} bytes were taken, as far as the sockets hold"
    assert gateway.memory("VmHWM") - before < 20 * MB, what
    assert gateway.post(LOGS, log_of("after it")).status == 200


def test_a_body_in_many_small_chunks_is_no_attack(gateway: GatewayProcess) -> None:
    body = json.dumps({"logs": [{"level": "info", "message": f"small {n}"} for n in range(900)]}).encode()
    chunks = b"".join(chunk(body[at : at + 7]) for at in range(0, len(body), 7))
    with gateway.connect() as connection:
        connection.sendall(head("Transfer-Encoding: chunked", bearer(gateway)) + chunks + b"0\r\n\r\n")
        answer = read_answer(connection)
    assert answer is not None
    assert (answer.status, answer.json) == (200, {"ok": True, "count": 900})


@pytest.mark.parametrize("wait", [False, True])
def test_a_trailer_is_no_header(gateway: GatewayProcess, wait: bool) -> None:
    with gateway.connect() as connection:
        connection.sendall(head("Transfer-Encoding: chunked") + chunk(body_of("by a trailer's key")))
        if wait:
            gateway.wait_until_read(connection)
        connection.sendall(f"0\r\n{bearer(gateway)}\r\n\r\n".encode())
        answer = read_answer(connection)
    assert answer is not None
    assert answer.status == 401


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "Origin", "Content-Length", "Host"])
def test_two_of_a_header_that_there_is_once_are_refused(gateway: GatewayProcess, name: str) -> None:
    body = body_of("which one?")
    values = {"Authorization": f"Bearer {gateway.keys.ingest}", "X-API-Key": gateway.keys.ingest, "Host": "sluice"}
    value = values.get(name, str(len(body)) if name == "Content-Length" else "https://a.example")
    headers = [f"{name}: {value}"] * (1 if name == "Host" else 2)
    if name != "Content-Length":
        headers.append(f"Content-Length: {len(body)}")
    if name not in values or name == "Host":
        headers.append(bearer(gateway))
    assert refused(gateway, head(*headers) + body) == {"error": "Malformed HTTP request"}
    path = "/api/v1/projects/p/logs"
    if name != "Content-Length":
        get = head(*headers[:-1] if name != "Host" else headers[:1], path=path).replace(b"POST", b"GET", 1)
        assert refused(gateway, get) == {"detail": "Malformed HTTP request"}


@pytest.mark.parametrize(
    "coding", ["gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked\r\nTransfer-Encoding: chunked"]
)
def test_a_transfer_coding_other_than_chunked_is_refused(gateway: GatewayProcess, coding: str) -> None:
    sent = head(f"Transfer-Encoding: {coding}", bearer(gateway)) + chunk(body_of("coded")) + b"0\r\n\r\n"
    assert refused(gateway, sent) == {"error": "Malformed HTTP request"}


def refused(gateway: GatewayProcess, sent: bytes) -> object:
    """The body of a 400, after which the connection is closed: what follows is no request."""
    with gateway.connect() as connection:
        connection.sendall(sent + b"GET /health HTTP/1.1\r\nHost: sluice\r\n\r\n")
        stream = connection.makefile("rb")
        answer = next_answer(stream)
        assert answer is not None
        assert answer.status == 400, answer
        assert next_answer(stream) is None
        return answer.json


def test_several_of_other_headers_are_no_matter(gateway: GatewayProcess) -> None:
    body = body_of("through proxies")
    via = ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2", "Cookie: a=b", "Cookie: c=d"]
    with gateway.connect() as connection:
        connection.sendall(head(*via, bearer(gateway), f"Content-Length: {len(body)}") + body)
        answer = read_answer(connection)
    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize("to", ["h2c", "websocket", "TLS/1.0, HTTP/1.1"])
@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("split", [False, True])
def test_a_request_to_upgrade_is_answered_like_any_other(
    gateway: GatewayProcess, to: str, is_chunked: bool, split: bool
) -> None:
    """Java's HttpClient asks for h2c with its first request; a proxy may pass that on."""
    inner = b"GET /health HTTP/1.1\r\nHost: sluice\r\n\r\n"
    body = json.dumps(log_of(inner.decode())).encode()
    upgrade = ["Connection: Upgrade, HTTP2-Settings", f"Upgrade: {to}", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]
    if is_chunked:
        sent = head(*upgrade, bearer(gateway), "Transfer-Encoding: chunked") + chunk(body[:9]) + chunk(body[9:])
        sent += b"0\r\nX-Trailer: y\r\n\r\n"
    else:
        sent = head(*upgrade, bearer(gateway), f"Content-Length: {len(body)}") + body
    before = len(gateway.stored())
    with gateway.connect() as connection:
        for piece in [sent[at : at + 40] for at in range(0, len(sent), 40)] if split else [sent]:
            connection.sendall(piece)
        stream = connection.makefile("rb")
        first = next_answer(stream)
        connection.sendall(sent * 2 + head(bearer(gateway), "Content-Length: 2") + b"{}")
        rest = [next_answer(stream) for _ in range(3)]
    answers: list[Answer | None] = [first, *rest]
    assert [answer and answer.status for answer in answers] == [200, 200, 200, 400]
    assert len(gateway.stored()) == before + 3


def test_an_upgrade_without_a_body_is_answered_too(gateway: GatewayProcess) -> None:
    with gateway.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        answer = read_answer(connection)
        assert answer is not None
        assert answer.json["status"] == "ok"
        connection.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: s\r\n\r\n")
        answer = read_answer(connection)
    assert answer is None or answer.status in (400, 404, 405)


@pytest.mark.parametrize("broken", [b"zz\r\n", b"5\r\n1234567\r\n", b"FFFFFFFFFFFFFFFFFF\r\n", b"-1\r\n", b"\r\n\r\n"])
def test_framing_that_breaks_after_the_head_is_400_and_the_end(gateway: GatewayProcess, broken: bytes) -> None:
    with gateway.connect() as connection:
        connection.sendall(head("Transfer-Encoding: chunked", bearer(gateway)) + chunk(b'{"logs":'))
        gateway.wait_until_read(connection)
        connection.sendall(broken)
        stream = connection.makefile("rb")
        answer = next_answer(stream)
        assert answer is not None
        assert (answer.status, answer.json) == (400, {"error": "Malformed HTTP request"})
        assert next_answer(stream) is None


def test_a_broken_request_behind_another_leaves_its_answer_alone(gateway: GatewayProcess) -> None:
    body = body_of("first")
    with gateway.connect() as connection:
        connection.sendall(head(bearer(gateway), f"Content-Length: {len(body)}") + body)
        time.sleep(0)
        answer = read_answer(connection)
        assert answer is not None
        connection.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        second = read_answer(connection)
    assert answer.status == 200
    assert second is not None
    assert second.status == 400
