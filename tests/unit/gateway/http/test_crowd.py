"""Who gives way when all places are taken, with connections that have no socket."""

import asyncio
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gateway import apis
from gateway.http import crowd as crowds
from gateway.http.connection import Connection
from gateway.http.crowd import MOST_REFUSED, Crowd, OneTooMany
from gateway.http.ids import request_ids
from tests.unit.gateway.http.transports import Transport

GET = b"GET /health HTTP/1.1\r\nHost: s\r\n\r\n"
HEAD = b"POST /ingest/logs HTTP/1.1\r\nHost: s\r\nContent-Length: 3\r\n\r\n"


class House:
    """A crowd of at most `most`, and the application behind it, which answers once `gate` is open."""

    def __init__(self, most: int) -> None:
        self.crowd = Crowd(request_ids(), apis.load(), most)
        self.gate = asyncio.Event()
        self.gate.set()
        self.state = ServerState()
        self._config = uvicorn.Config(self._application, log_config=None, interface="asgi3", proxy_headers=False)

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def enters(self) -> Any:
        """A new connection's protocol, its transport at `transport`."""
        protocol: Any = self.crowd(config=self._config, server_state=self.state, app_state={})
        protocol.connection_made(Transport())
        protocol.transport = getattr(protocol, "transport", None) or protocol._transport
        return protocol


async def sends(protocol: Any, data: bytes) -> None:
    protocol.data_received(data)
    for _ in range(5):
        await asyncio.sleep(0)


def ends(*protocols: Any) -> list[str]:
    return [protocol.transport.ended for protocol in protocols]


async def test_with_room_everybody_is_served() -> None:
    house = House(3)
    assert ends(*(house.enters() for _ in range(3))) == [""] * 3


async def test_the_oldest_silent_one_gives_way_without_a_word() -> None:
    house = House(3)
    inside = [house.enters() for _ in range(3)]
    late = [house.enters() for _ in range(2)]
    assert all(isinstance(each, Connection) for each in late)
    assert ends(*inside, *late) == ["closed", "closed", "", "", ""]
    assert not any(each.transport.written for each in inside)


async def test_a_house_full_of_silent_ones_keeps_no_honest_sender_out() -> None:
    house = House(50)
    for _ in range(20):
        for _ in range(50):
            house.enters()
        honest = house.enters()
        for _ in range(49):  # more of them come before its request does
            house.enters()
        await sends(honest, GET)
        assert honest.transport.written.startswith(b"HTTP/1.1 200")


async def test_half_a_head_is_as_good_as_silence_and_is_told_503() -> None:
    house = House(1)
    half = house.enters()
    await sends(half, HEAD[:40])
    house.enters()
    assert ends(half) == ["closed"]
    assert half.transport.written.startswith(b"HTTP/1.1 503")
    assert b'{"error":"Service temporarily unavailable"}' in half.transport.written


async def test_bytes_that_trickle_in_keep_no_place() -> None:
    house = House(2)
    slow, silent = house.enters(), house.enters()
    late = []
    for at in range(2):
        await sends(slow, HEAD[at : at + 1])
        late.append(house.enters())
    assert ends(slow, silent) == ["closed", "closed"]


async def test_one_that_has_asked_since_is_spared_before_one_that_has_not() -> None:
    house = House(2)
    active, idle = house.enters(), house.enters()
    await sends(active, GET)
    await sends(idle, GET)
    third = house.enters()  # both have just asked: the older one goes
    assert ends(active, idle) == ["closed", ""]
    await sends(third, GET)
    fourth = house.enters()  # `idle` was looked at before, and has not asked since
    assert ends(idle, third) == ["closed", ""]
    await sends(third, GET)
    await sends(fourth, GET)
    await sends(fourth, GET)
    house.enters()
    assert ends(third, fourth) == ["closed", ""]


async def test_half_a_body_gives_way_only_where_nobody_is_idle() -> None:
    house = House(2)
    half, idle = house.enters(), house.enters()
    await sends(half, HEAD)
    await sends(idle, GET)
    house.enters()
    assert ends(half, idle) == ["", "closed"]
    house = House(1)
    half = house.enters()
    await sends(half, HEAD)
    house.enters()
    assert ends(half) == ["closed"]
    assert half.transport.written.startswith(b"HTTP/1.1 503")


async def test_an_answer_that_nobody_takes_gives_way() -> None:
    house = House(1)
    deaf = house.enters()
    await sends(deaf, GET)
    deaf.transport.is_deaf = True
    house.enters()
    assert ends(deaf) == ["aborted"]


@pytest.mark.parametrize("path", [b"/ingest/logs", b"/api/v1/logs/batch"])
async def test_whose_request_is_here_never_gives_way_and_the_newest_is_told_503(path: bytes) -> None:
    house = House(2)
    house.gate.clear()
    served = [house.enters() for _ in range(2)]
    for each in served:
        await sends(each, GET)
    late = house.enters()
    assert isinstance(late, OneTooMany)
    await sends(late, b"POST %b HTTP/1.1\r\n\r\n" % path)
    assert late.transport.written.startswith(b"HTTP/1.1 503")
    assert late.transport.ended == "closed"
    house.gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert all(each.transport.written.startswith(b"HTTP/1.1 200") for each in served)


async def test_half_a_request_behind_one_that_is_at_work_does_not_end_it() -> None:
    house = House(1)
    house.gate.clear()
    served = house.enters()
    await sends(served, GET + HEAD)
    assert isinstance(house.enters(), OneTooMany)
    house.gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert served.transport.written.startswith(b"HTTP/1.1 200")
    house.enters()
    assert ends(served) == ["closed"]
    assert b"HTTP/1.1 503" in served.transport.written


async def test_a_place_is_free_again_at_the_end_of_its_connection() -> None:
    house = House(1)
    house.gate.clear()
    for _ in range(3):
        served = house.enters()
        assert isinstance(served, Connection)
        await sends(served, GET)
        assert isinstance(house.enters(), OneTooMany)
        served.connection_lost(None)


async def test_only_some_are_looked_at_for_each_new_one_and_others_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowds, "LOOKED_AT", 2)
    house = House(5)
    house.gate.clear()
    for _ in range(4):
        await sends(house.enters(), GET)
    silent = house.enters()
    assert [type(house.enters()) for _ in range(3)] == [OneTooMany, OneTooMany, Connection]
    assert ends(silent) == ["closed"]


async def test_beyond_some_that_are_being_refused_the_next_are_cut_off() -> None:
    house = House(1)
    house.gate.clear()
    await sends(house.enters(), GET)
    late = [house.crowd(config=None, server_state=house.state, app_state={}) for _ in range(MOST_REFUSED + 1)]
    transports = [Transport() for _ in late]
    for protocol, transport in zip(late, transports, strict=True):
        protocol.connection_made(transport)
    assert [each.ended for each in transports] == [""] * MOST_REFUSED + ["aborted"]
