"""What is compared."""

from typing import Protocol

from deploy.bench.peer.entries import Entry
from deploy.local.child import Child

LOGS_A_MESSAGE = 100


class Side(Protocol):
    """One of those that are measured in turn: how to start it, and what it reads and writes.

    Its processes are not started yet. `data` is a name of `entries.DATA`.
    """

    name: str
    database: str
    table: str
    clear: str
    """The statement that empties the table before each round."""

    def gateway(self) -> Child:
        """The process that takes requests and answers after Kafka's acknowledgement."""
        ...

    def request(self, port: int, entries: list[Entry]) -> bytes:
        """A whole HTTP request to it."""
        ...

    def topic(self, data: str) -> str:
        """The topic that its writer reads; sides with the same topic read the same messages."""
        ...

    def message(self, entries: list[Entry]) -> bytes:
        """What its gateway would put there for these entries."""
        ...

    def writer(self, data: str, number: int) -> Child:
        """The process that brings the topic to the table, from its beginning: `number` differs from round to round."""
        ...
