"""SIGTERM as clients see it on their connections (delivery.md, "Shutdown")."""

import http.client
import json
import socket
import threading
import time
from collections import Counter
from contextlib import closing

import pytest

from tests.event_stream import read_events
from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.gateway_process import BATCH, LOGS, PROJECT, GatewayProcess, log_of, read_answer
from tests.integration.stack import wait_until

pytestmark = pytest.mark.timeout(300)


def request(gateway: GatewayProcess, message: str, path: str = LOGS, *, header: str = "") -> bytes:
    body = json.dumps(log_of(message)).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.keys.ingest}\r\n{header}"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def stored(gateway: GatewayProcess) -> Counter[str]:
    return Counter(record["message"] for _, records in gateway.stored() for record in records)


@pytest.mark.parametrize("path", [LOGS, BATCH])
def test_a_half_sent_body_is_503_at_once_and_not_stored(start_gateway: StartGateway, path: str) -> None:
    gateway = start_gateway()
    whole = request(gateway, "half", path, header="Expect: 100-continue\r\n")
    with gateway.connect() as connection:
        connection.sendall(whole[:-5])
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n", "it waits for the body"
        gateway.terminate()
        began = time.monotonic()
        answer = read_answer(connection)
        assert answer is not None
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - began < 20, "long before a timeout"
        assert answer.json in (
            {"error": "Service temporarily unavailable"},
            {"detail": "Log storage temporarily unavailable"},
        )
        assert_not_taken(connection, whole[-5:])
    assert gateway.process.wait(90) in (0, -15)
    assert stored(gateway) == {}


@pytest.mark.parametrize("cut", [1, 30, 75])
def test_a_half_sent_head_is_closed_or_503_and_never_2xx(start_gateway: StartGateway, cut: int) -> None:
    gateway = start_gateway()
    whole = request(gateway, "half")
    with gateway.connect() as fresh, gateway.connect() as kept_alive:
        kept_alive.sendall(whole)
        answer = read_answer(kept_alive)
        assert answer is not None
        assert answer.status == 200
        for connection in (fresh, kept_alive):
            connection.sendall(whole[:cut])
            gateway.wait_until_read(connection)
        gateway.terminate()
        for connection in (fresh, kept_alive):
            assert_not_taken(connection, whole[cut:])
    assert gateway.process.wait(90) in (0, -15)
    assert stored(gateway) == {"half": 1}


def assert_not_taken(connection: socket.socket, rest: bytes) -> None:
    """503 or no answer at all, whatever is still sent."""
    try:
        connection.sendall(rest)
        answer = read_answer(connection)
    except ConnectionError:
        return
    assert answer is None or answer.status == 503


def test_requests_whose_publish_is_under_way_are_finished(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    gateway.post(LOGS, log_of("warm"))
    with gateway.connect() as first, gateway.connect() as second:
        with gateway.queue_away():
            first.sendall(request(gateway, "a"))
            second.sendall(request(gateway, "b", BATCH))
            for connection in (first, second):
                gateway.wait_until_read(connection)
            gateway.terminate()
            time.sleep(0.5)  # the end has begun while both still wait for the queue
        answers = [read_answer(connection) for connection in (first, second)]
    assert [answer.status if answer else None for answer in answers] == [200, 202]
    assert gateway.process.wait(90) in (0, -15)
    assert stored(gateway) == {"warm": 1, "a": 1, "b": 1}


def test_a_publish_that_never_ends_is_503_and_the_process_ends_in_its_time(start_gateway: StartGateway) -> None:
    gateway = start_gateway(shutdown_s=1)
    gateway.post(LOGS, log_of("warm"))
    with gateway.queue_away(), gateway.connect() as connection:
        connection.sendall(request(gateway, "a"))
        gateway.wait_until_read(connection)
        gateway.terminate()
        answer = read_answer(connection)
        assert answer is None or answer.status == 503
    assert gateway.process.wait(90) in (0, -15)


def test_an_open_tail_is_told_the_end_at_once(start_gateway: StartGateway) -> None:
    gateway = start_gateway()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=90)
    connection.request("GET", f"/api/v1/projects/{PROJECT}/logs/tail", headers={"X-API-Key": gateway.keys.read})
    with closing(connection), connection.getresponse() as tail:
        came = tail.read1()
        gateway.terminate()
        began = time.monotonic()
        came += tail.read()
    assert gateway.process.wait(90) in (0, -15)
    assert time.monotonic() - began < 20, "long before its end"
    assert read_events(came)[-1].json == {"reason": "the gateway stops"}


def test_under_load_each_acknowledged_request_is_stored_and_none_is_acknowledged_and_lost(
    start_gateway: StartGateway,
) -> None:
    gateway = start_gateway()
    acknowledged: set[str] = set()
    sent: set[str] = set()
    statuses: Counter[int] = Counter()

    def send_on(number: int) -> None:
        with gateway.connect() as connection:
            for turn in range(100_000):
                name = f"{number}-{turn}"
                sent.add(name)
                try:
                    connection.sendall(request(gateway, name))
                    answer = read_answer(connection)
                except ConnectionError:
                    return
                if answer is None:
                    return
                statuses[answer.status] += 1
                if answer.status == 200:
                    acknowledged.add(name)

    threads = [threading.Thread(target=send_on, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: statuses[200] > 50, 60, "load")
    gateway.terminate()
    for thread in threads:
        thread.join()
    assert gateway.process.wait(90) in (0, -15)
    assert set(statuses) <= {200, 503}
    found = stored(gateway)
    assert acknowledged <= set(found) <= sent
    assert set(found.values()) == {1}
