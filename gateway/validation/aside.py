"""Large or strange bodies are checked in a process of its own: Python would hold the event loop for seconds.

Requests and answers are MessagePack.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import structlog

from gateway.child import Child, ChildFailed, framed
from gateway.http.answer import Answer
from gateway.rejections import Answered, TooLarge
from gateway.turns import Turns
from gateway.validation.parts import Part
from shared.formats.base import Format
from shared.formats.intake import Printed
from shared.metrics import DropReason
from shared.registry import Registry

Wanted = Literal["key", "parts"]

_log = structlog.get_logger(__name__)

_encode = msgspec.msgpack.Encoder().encode

_NOBODY = ""
"""Stands for the project while the key is not known."""


class Task(msgspec.Struct, array_like=True):
    """What the child is to do. The body follows it."""

    route: str
    wanted: Wanted
    content_type: bytes
    body_bytes: int


class PartOf(msgspec.Struct, array_like=True):
    """A `Part`, its format by name."""

    format: str
    payload: bytes
    n: int
    dropped: list[tuple[int, DropReason]]
    service: str
    environment: str
    release: str
    extra: bytes
    prints_of: list[Printed]
    event_ids: list[str]
    pings: int
    places: list[int]
    digests: list[bytes]
    is_derived: bool
    duplicates: int
    left_out: int
    reasons: dict[str, int]
    named: str
    told: list[str]


class Done(msgspec.Struct, array_like=True):
    """What the child says: the key, the parts, or why the request is refused, with the whole answer."""

    key: str | None = None
    parts: list[PartOf] = []
    reason: str = ""
    answer: Answer | None = None


class Aside:
    """Has bodies checked by one child process, one after the other.

    1. The event loop pays for passing the bytes on, and nothing else.
    2. Projects take turns, and all bodies whose key is not known yet are together as good as one project. At most
       `waiting_bytes` wait; beyond that the project with the most of them gets `Unavailable` (`Turns`).
    3. A body that takes more than `within_s`, or more memory than the child may have, is refused as too large, and a
       new child takes the next one. The child ends with this process.
    """

    def __init__(self, registry: Registry, extensions: Path | None, *, waiting_bytes: int, within_s: float) -> None:
        self._formats = registry.formats
        self._derived = registry.derived
        self._turns = Turns(1, waiting_bytes)
        arguments = [str(extensions)] if extensions else []
        self._child = Child("gateway.validation.aside_child", arguments, within_s=within_s)

    async def key_in(self, route: str, body: bytes, content_type: bytes) -> str | None:
        """The key in a body. Raises the `Rejection` of a body that can't have one, `TooLarge`, `Unavailable`."""
        return (await self._asked(Task(route, "key", content_type, len(body)), body, _NOBODY)).key

    async def parts(self, project_id: str, route: str, body: bytes, content_type: bytes) -> list[Part]:
        """The good records of a project's body. Raises the `Rejection` of a bad one, `TooLarge`, `Unavailable`."""
        done = await self._asked(Task(route, "parts", content_type, len(body)), body, project_id)
        wanted = [part for part in done.parts if not part.is_derived or part.format in self._derived]
        return [_part(part, self._formats[part.format]) for part in wanted]

    async def close(self) -> None:
        await self._child.close()

    async def _asked(self, task: Task, body: bytes, project_id: str) -> Done:
        await self._turns.take(project_id, len(body))
        try:
            answer = await self._child.ask(framed(_encode(task)), body)
        except ChildFailed as error:
            _log.warning("a body was too much to check", route=task.route, bytes=len(body), error=str(error))
            raise TooLarge from error
        finally:
            self._turns.give_back(project_id)
        done = msgspec.msgpack.decode(answer, type=Done)
        if done.answer is not None:
            raise Answered(done.reason, done.answer)
        return done


def told(parts: Sequence[Part]) -> Done:
    """What the child says of good bodies."""
    fields: list[Any] = [name for name in PartOf.__struct_fields__ if name not in ("format", "payload")]
    return Done(
        parts=[
            PartOf(part.format.name, bytes(part.payload), *(_plain(getattr(part, name)) for name in fields))
            for part in parts
        ]
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _part(sent: PartOf, fmt: Format) -> Part:
    values = {name: getattr(sent, name) for name in PartOf.__struct_fields__ if name != "format"}
    return Part(format=fmt, **values)
