"""Connections that wait too long for their client are ended."""

from types import SimpleNamespace
from typing import Any

from gateway.http.connection import Connection
from gateway.http.overdue import PROGRESS, UnreadAnswers


def waiting() -> Any:
    """A connection with an answer that its client hasn't taken."""
    connection: Any = Connection.__new__(Connection)
    connection.scope = {"method": "GET"}
    ended: list[bool] = []
    connection.transport = SimpleNamespace(get_write_buffer_size=lambda: 1, abort=lambda: ended.append(True))
    connection.ended = ended
    return connection


def watching(connection: Any) -> UnreadAnswers:
    state: Any = SimpleNamespace(connections={connection})
    return UnreadAnswers(state, 60.0)


def test_an_answer_that_is_not_taken_in_time_ends_the_connection() -> None:
    connection = waiting()
    unread = watching(connection)
    for now in (0.0, 59.0):
        unread.sweep(now)
    assert not connection.ended
    unread.sweep(60.0)
    assert connection.ended


def test_of_a_long_answer_each_part_has_the_whole_time() -> None:
    connection = waiting()
    unread = watching(connection)
    for now in (0.0, 50.0, 100.0, 150.0):
        connection.scope[PROGRESS] = object()
        unread.sweep(now)
    unread.sweep(209.0)
    assert not connection.ended
    unread.sweep(210.0)
    assert connection.ended


def test_the_next_request_of_a_connection_has_its_own_time() -> None:
    connection = waiting()
    unread = watching(connection)
    unread.sweep(0.0)
    connection.scope = {"method": "GET"}
    unread.sweep(60.0)
    assert not connection.ended
