"""Why an error has its fingerprint, for a person (grouping.md, "Why are these two one group?")."""

from typing import NamedTuple

from shared.fingerprint.v2 import fingerprint, read
from shared.fingerprint.v2.choice import chain_of
from shared.fingerprint.v2.model import Parts, Reading

VERSION = 2


class ExplainedFrame(NamedTuple):
    """One call of the stack."""

    printed: str
    read: str
    """`function@file` as it is compared; '' for what is passed over."""
    own: bool
    why: str
    counts: bool
    """Whether it is one of the parts."""


class Explanation(NamedTuple):
    """Everything that decided, in the order in which it was decided."""

    version: int
    language: str
    type: str
    chain: list[str]
    """`type: message` of each error that was found, the one that was caught first."""
    message: str
    message_part: str | None
    """What the message became."""
    frames: list[ExplainedFrame]
    rule: str
    parts: str
    hash: str


def explained(message: str, stack: str) -> Explanation:
    """The explanation of an error's fingerprint."""
    reading = read(message, stack)
    digest, parts, kind = fingerprint(message, stack)
    return Explanation(
        version=VERSION,
        language=reading.language.name,
        type=kind,
        chain=[": ".join(filter(None, (each.type, each.message))) for each in reading.thrown],
        message=reading.message,
        message_part=reading.parts.message,
        frames=_frames(reading),
        rule=reading.rule,
        parts=parts,
        hash=digest,
    )


def _frames(reading: Reading) -> list[ExplainedFrame]:
    """The frames in the order in which they are looked at: those of the cause first."""
    waiting = list(reading.parts.frames)
    found = []
    for each in reversed(chain_of(reading.language, reading.thrown)):
        for call in each.calls:
            frame = reading.language.frame(call)
            if frame is None:
                found.append(ExplainedFrame(call, "", False, "passed over", False))
                continue
            counts = frame.own and frame.text in waiting
            if counts:
                waiting.remove(frame.text)
            found.append(ExplainedFrame(call, frame.text, frame.own, frame.why, counts))
    return found


def differences(one: Parts, other: Parts) -> list[tuple[str, str, str]]:
    """(part, what the first has, what the second has) of each part in which they differ."""
    shown = [(_shown(one), _shown(other)) for one, other in zip(one, other, strict=True)]
    return [
        (name, first, second)
        for name, (first, second) in zip(("types", "frames", "message"), shown, strict=True)
        if first != second
    ]


def _shown(part: list[str] | str | None) -> str:
    return " < ".join(part) if isinstance(part, list) else part or ""
