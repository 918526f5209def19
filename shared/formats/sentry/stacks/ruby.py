"""Ruby: the innermost frame first, with the message; causes follow."""

from shared.formats.sentry.exceptions import Frame, Thrown


def printed(thrown: Thrown) -> str:
    return "\n".join(map(_one, thrown.all()))


def _one(thrown: Thrown) -> str:
    places = [_place(frame) for frame in reversed(thrown.frames)]
    if not places:
        return thrown.header
    first, newline, rest = thrown.message.partition("\n")
    head = f"{places[0]}: {first} ({thrown.type or 'RuntimeError'}){newline}{rest}"
    return "\n".join([head, *(f"\tfrom {place}" for place in places[1:])])


def _place(frame: Frame) -> str:
    return f"{frame.file or frame.module or '<unknown>'}:{frame.line or 0}:in '{frame.function or '<main>'}'"
