"""Server-sent events, read as a browser reads them."""

import json
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    name: str
    data: str
    id: str | None = None
    retry: int | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def read_events(stream: bytes) -> list[Event]:
    """The whole events of a stream; what follows the last empty line is none."""
    blocks = re.sub(r"\r\n|\r", "\n", stream.decode()).split("\n\n")[:-1]
    return [_event(block.split("\n")) for block in blocks]


def _event(lines: list[str]) -> Event:
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name, []).append(value.removeprefix(" "))
    retry = fields.get("retry")
    return Event(
        name=fields.get("event", ["message"])[-1],
        data="\n".join(fields.get("data", [])),
        id=fields.get("id", [None])[-1],  # type: ignore[list-item]
        retry=int(retry[-1]) if retry else None,
    )
