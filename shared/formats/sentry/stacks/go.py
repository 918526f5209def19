"""Go: two lines a call, the innermost first."""

from shared.formats.sentry.exceptions import Frame, Thrown


def printed(thrown: Thrown) -> str:
    return "\n".join(map(_one, thrown.all()))


def _one(thrown: Thrown) -> str:
    return "\n".join([thrown.header or "error", *map(_call, reversed(thrown.frames))])


def _call(frame: Frame) -> str:
    place = f"{frame.file or frame.module or '<unknown>'}:{frame.line or 0}"
    return f"{'.'.join(filter(None, (frame.module, frame.function)))}\n\t{place}"
