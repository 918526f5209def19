"""What the process that reads maps is asked, and what it answers. MessagePack; the contents follow a question."""

from typing import Literal

import msgspec


class Question(msgspec.Struct, array_like=True, frozen=True):
    """The places in a map's sources of positions in a built file.

    `key`: names the map and its built file by their contents; `positions`: (line, column), from 1; `map_bytes`,
    `built_bytes`: how much of each follows. Without a map only what is cached can be answered.
    """

    key: str
    project_id: str
    positions: list[tuple[int, int]]
    map_bytes: int = 0
    built_bytes: int = 0


class Token(msgspec.Struct, array_like=True, frozen=True):
    """A place in a source.

    `function`: the one around it, '' if the built file isn't known; `name`: what the source calls what stands there.
    """

    source: str
    line: int
    column: int
    function: str
    name: str
    context_line: str
    before: list[str]
    after: list[str]


class Reply(msgspec.Struct, array_like=True):
    """`unknown`: the map is not cached, send it; `unreadable`: `error` says why; `read`: a token for each position,
    None where the map has none, and the last line of the built file that the map knows."""

    outcome: Literal["unknown", "unreadable", "read"]
    tokens: list[Token | None] = []
    lines: int = 0
    error: str = ""
