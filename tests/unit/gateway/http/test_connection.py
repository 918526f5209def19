"""What a connection keeps of a request's head, with connections that have no socket."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.http.connection import MAX_HEADERS, MAX_PIPELINED
from tests.unit.gateway.http.test_crowd import GET, House, ends, sends

CHUNKED = b"POST /ingest/logs HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
SHORT = b"a:b\r\n"
"""A header is known once the line after it has begun."""


async def answered(data: bytes, *, piece: int = 65_536) -> Any:
    connection = House(1).enters()
    for at in range(0, len(data), piece):
        if not connection.transport.ended:
            await sends(connection, data[at : at + piece])
    return connection


@pytest.mark.parametrize("piece", [65_536, 7])
@pytest.mark.parametrize("end", [b"\r\n", b""])
async def test_a_head_of_too_many_headers_is_413_whole_or_not(end: bytes, piece: int) -> None:
    connection = await answered(b"GET / HTTP/1.1\r\n" + SHORT * (MAX_HEADERS + 2) + end, piece=piece)
    assert connection.transport.written.startswith(b"HTTP/1.1 413")
    assert ends(connection) == ["closed"]


async def test_trailers_that_are_too_many_are_413() -> None:
    connection = await answered(CHUNKED + SHORT * (MAX_HEADERS + 2))
    assert connection.transport.written.startswith(b"HTTP/1.1 413")
    assert ends(connection) == ["closed"]


async def test_as_many_as_may_be_are_served() -> None:
    connection = await answered(b"GET / HTTP/1.1\r\n" + SHORT * MAX_HEADERS + b"\r\n")
    assert connection.transport.written.startswith(b"HTTP/1.1 200")
    assert ends(connection) == [""]


async def test_half_heads_of_all_connections_are_bounded_together() -> None:
    house = House(20)
    house.crowd._framing.most = 210_000
    half = b"GET / HTTP/1.1\r\na: " + b"x" * 50_000
    before = [house.enters() for _ in range(4)]
    for connection in before:
        await sends(connection, half)
    late = house.enters()
    await sends(late, half)
    assert ends(*before, late) == ["", "", "", "", "closed"]
    assert late.transport.written.startswith(b"HTTP/1.1 503")
    whole = house.enters()
    await sends(whole, GET)
    assert whole.transport.written.startswith(b"HTTP/1.1 200")
    for connection in (*before, late):
        connection.connection_lost(None)
    assert house.crowd._framing.held == 0


@pytest.mark.parametrize("request_", [GET, CHUNKED + b"\r\n"], ids=["get", "chunked"])
@pytest.mark.parametrize("piece", [1, 20, 65_536])
async def test_a_request_that_is_complete_counts_no_more(request_: bytes, piece: int) -> None:
    house = House(1)
    connection = house.enters()
    for at in range(0, len(request_), piece):
        await sends(connection, request_[at : at + piece])
    assert connection.transport.written.startswith(b"HTTP/1.1 200")
    assert house.crowd._framing.held == 0


async def test_what_is_no_http_is_still_400() -> None:
    connection = await answered(b"GET / HTTP/1.1\r\n" + SHORT * 10 + b"\x00\x01\r\n\r\n")
    assert connection.transport.written.startswith(b"HTTP/1.1 400")


async def test_as_many_requests_as_may_wait_are_answered_and_the_connection_goes_on() -> None:
    house = House(1)
    house.gate.clear()
    connection = house.enters()
    await sends(connection, GET * (1 + MAX_PIPELINED))
    house.gate.set()
    await until(lambda: connection.transport.written.count(b"HTTP/1.1 200") == 1 + MAX_PIPELINED)
    await sends(connection, GET)
    await until(lambda: connection.transport.written.count(b"HTTP/1.1 200") == 2 + MAX_PIPELINED)
    assert ends(connection) == [""]


async def test_of_thousands_only_so_many_are_kept_and_answered_before_the_connection_ends() -> None:
    house = House(1)
    house.gate.clear()
    connection = house.enters()
    await sends(connection, GET * 10_000)
    assert len(connection.pipeline) == MAX_PIPELINED
    await sends(connection, GET * 10_000)
    house.gate.set()
    await until(lambda: ends(connection) == ["closed"])
    assert connection.transport.written.count(b"HTTP/1.1 200") == 1 + MAX_PIPELINED
    await sends(connection, GET)
    assert connection.transport.written.count(b"HTTP/1.1") == 1 + MAX_PIPELINED


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("never")
