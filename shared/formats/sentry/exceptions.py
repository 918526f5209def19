"""`exception` of an event -> what was thrown, with its causes (sentry-rows.md, "Chains")."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple

MOST_THROWN: Final = 100
"""Exceptions of an event: the main one and those before it. SDKs send 50 at most."""
MOST_FRAMES: Final = 2_000
"""Frames of an exception: half of them the outermost, half the innermost. Fingerprints look at 1,000 lines."""

_OF_PYTHON = ("__cause__", "__context__")
_TO_CAUSES = ("cause", *_OF_PYTHON)


class Frame(NamedTuple):
    """One call. '' and None for what was not sent."""

    function: str
    module: str
    file: str
    line: int | None
    column: int | None
    source: str
    """The line of the source."""


@dataclass(eq=False)
class Thrown:
    """One exception. Frames are the outermost first, as Sentry has them."""

    type: str
    message: str
    frames: list[Frame]
    mechanism: dict[str, Any]
    cause: "Thrown | None" = None
    inside: "list[Thrown]" = field(default_factory=list)
    """Of a group, the exceptions in it."""

    @property
    def header(self) -> str:
        """`Type: message`."""
        return ": ".join(filter(None, (self.type, self.message)))

    @property
    def is_context(self) -> bool:
        """Python: whether it was being handled when the next one was thrown, and is not said to be its cause."""
        return "__context__" in (self.mechanism.get("source"), self.mechanism.get("type"))

    @property
    def handled(self) -> bool:
        return self.mechanism.get("handled") is True

    def chain(self) -> "list[Thrown]":
        """It and its causes."""
        found = [self]
        while (cause := found[-1].cause) is not None:
            found.append(cause)
        return found

    def all(self) -> "Iterator[Thrown]":
        """It and all behind it, depth first."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += reversed(one.inside)
            if one.cause is not None:
                waiting.append(one.cause)


def thrown_in(exception: Any, stacktrace: Any = None) -> Thrown | None:
    """The main exception, which is the last one with a type or a value; None if there is none.

    `exception`: `{"values": [...]}`, a list, or one object. `stacktrace`: an event's own, for a single exception
    without frames.
    """
    sent = [each for each in _values(exception) if isinstance(each, dict)]
    if not sent:
        return None
    last = next((n for n in reversed(range(len(sent))) if _says(sent[n])), len(sent) - 1)
    values = list(map(_one, sent[max(0, last + 1 - MOST_THROWN) : last + 1]))
    main = values[-1]
    if len(values) == 1 and not main.frames:
        main.frames = frames_in(stacktrace)
    _link(values)
    return main


def is_message(main: Thrown | None) -> bool:
    """Whether there is no exception, or just the one that an SDK made for the stack of a message."""
    return main is None or (
        not main.type and main.mechanism.get("synthetic") is True and main.cause is None and not main.inside
    )


def frames_in(stacktrace: Any) -> list[Frame]:
    sent = stacktrace.get("frames") if isinstance(stacktrace, dict) else None
    if not isinstance(sent, list):
        return []
    half = MOST_FRAMES // 2
    kept = sent if len(sent) <= MOST_FRAMES else sent[:half] + sent[-half:]
    return [_frame(each) for each in kept if isinstance(each, dict)]


def current_stack(threads: Any) -> Any:
    """The `stacktrace` of the thread that an event comes from; None if it is not among them."""
    found = (each for each in _values(threads) if isinstance(each, dict) and each.get("current") is True)
    return next(found, {}).get("stacktrace")


def _values(sent: Any) -> list[Any]:
    if isinstance(sent, dict):
        values = sent.get("values", [sent])
        return values if isinstance(values, list) else []
    return sent if isinstance(sent, list) else []


def _says(sent: dict[str, Any]) -> bool:
    return bool(_text(sent, "type") or _text(sent, "value"))


def _one(sent: dict[str, Any]) -> Thrown:
    mechanism = sent.get("mechanism")
    return Thrown(
        type=_text(sent, "type"),
        message=_text(sent, "value"),
        frames=frames_in(sent.get("stacktrace")),
        mechanism=mechanism if isinstance(mechanism, dict) else {},
    )


def _frame(sent: dict[str, Any]) -> Frame:
    return Frame(
        function=_text(sent, "function"),
        module=_text(sent, "module"),
        file=_text(sent, "abs_path") or _text(sent, "filename"),
        line=_number(sent, "lineno"),
        column=_number(sent, "colno"),
        source=_text(sent, "context_line"),
    )


def _link(values: list[Thrown]) -> None:
    """Make causes of what was sent before the main one; of groups, a tree by the ids that their parts name."""
    main = values[-1]
    is_tree = any(each.mechanism.get("is_exception_group") is True for each in values)
    if not is_tree or _number(main.mechanism, "exception_id") is None:
        for cause, one in pairwise(values):
            one.cause = cause
        return
    numbers = {_number(each.mechanism, "exception_id") for each in values}
    children: dict[int, list[Thrown]] = defaultdict(list)
    for each in reversed(values[:-1]):
        if (parent := _parent(each.mechanism, numbers)) is not None:
            children[parent].append(each)
    for each in reversed(values):  # of equal ids the main one's counts
        number = _number(each.mechanism, "exception_id")
        for child in children.pop(number, []) if number is not None else ():
            if each.cause is None and child.mechanism.get("source") in _TO_CAUSES:
                each.cause = child
            else:
                each.inside.append(child)


def _parent(mechanism: dict[str, Any], numbers: Collection[int | None]) -> int | None:
    """The id of the exception that it belongs to. Python's SDK names the root as the parent of all
    causes, but it numbers a cause right after what it caused."""
    number = _number(mechanism, "exception_id")
    if number is not None and mechanism.get("source") in _OF_PYTHON and number - 1 in numbers:
        return number - 1
    return _number(mechanism, "parent_id")


def _text(sent: dict[str, Any], name: str) -> str:
    found = sent.get(name)
    return found if isinstance(found, str) else ""


def _number(sent: dict[str, Any], name: str) -> int | None:
    found = sent.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
