"""The errors of a chain and their frames, as grouping reads them (grouping.md, "Version 2")."""

from collections.abc import Sequence

import msgspec

from gateway.mapping.answers import NOT_JAVASCRIPT, Outcome
from shared.fingerprint.v2 import languages
from shared.fingerprint.v2.bounds import bounded
from shared.fingerprint.v2.model import Frame, Language, Place, Thrown

JAVASCRIPT = "javascript"


class ShownFrame(msgspec.Struct, frozen=True):
    """A call as it was printed. `line`, `column`: from 1; `in_app`: whether grouping takes it for the application's
    own; `why`: the reason; `mapped`: its place in the sources, or why that isn't known."""

    function: str | None
    file: str | None
    line: int | None
    column: int | None
    in_app: bool
    why: str
    mapped: Outcome


class ShownError(msgspec.Struct, frozen=True):
    """An error of the chain. `frames`: the innermost first."""

    type: str | None
    message: str | None
    code: str | None
    frames: list[ShownFrame]


class ReadFrame(msgspec.Struct, frozen=True):
    """A frame before it is mapped. `frame` is None for what grouping passes over."""

    place: Place
    frame: Frame | None


class ReadError(msgspec.Struct, frozen=True):
    type: str
    message: str
    code: str
    frames: list[ReadFrame]


class Chain(msgspec.Struct, frozen=True):
    """What a stack was read into: the error that was caught first, then its causes."""

    language: str
    errors: list[ReadError]

    @property
    def places(self) -> list[list[Place]]:
        """The places of each error's frames."""
        return [[each.place for each in error.frames] for error in self.errors]


def read_chain(kind: str, message: str, stack: str) -> Chain:
    """The chain of an error with this type, message and stack. A stack in no known language has no frames."""
    language, thrown = languages.read(bounded(stack))
    first, *causes = [_read(language, each) for each in thrown] or [ReadError("", "", "", [])]
    # Some runtimes print no header above the frames.
    first = msgspec.structs.replace(first, type=first.type or kind, message=first.message or message)
    return Chain(language.name, [first, *causes])


def _read(language: Language, error: Thrown) -> ReadError:
    frames = [ReadFrame(language.place(call), language.frame(call)) for call in error.calls]
    return ReadError(error.type, error.message, error.code, frames)


def unmapped(read: Chain) -> list[list[Outcome]]:
    """What becomes of the frames of a language without source maps."""
    return [[NOT_JAVASCRIPT] * len(error.frames) for error in read.errors]


def shown(read: Chain, outcomes: Sequence[Sequence[Outcome]]) -> list[ShownError]:
    """The chain with what became of its frames."""
    return [
        ShownError(
            error.type or None,
            error.message or None,
            error.code or None,
            [_frame(each, outcome) for each, outcome in zip(error.frames, its, strict=True)],
        )
        for error, its in zip(read.errors, outcomes, strict=True)
    ]


def _frame(read: ReadFrame, outcome: Outcome) -> ShownFrame:
    place, frame = read.place, read.frame
    return ShownFrame(
        function=place.function or None,
        file=place.file or None,
        line=place.line or None,
        column=place.column or None,
        in_app=frame is not None and frame.own,
        why=frame.why if frame is not None else "passed over",
        mapped=outcome,
    )
