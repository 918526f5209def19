"""Java and Kotlin: what was caught first, its causes behind it; the innermost frame first."""

from shared.formats.sentry.exceptions import Frame, Thrown


def printed(thrown: Thrown) -> str:
    return "\nCaused by: ".join(map(_one, thrown.all()))


def _one(thrown: Thrown) -> str:
    return "\n".join([thrown.header or "Throwable", *map(_line, reversed(thrown.frames))])


def _line(frame: Frame) -> str:
    return f"\tat {'.'.join(filter(None, (frame.module, frame.function)))}({_place(frame)})"


def _place(frame: Frame) -> str:
    file = frame.file.rpartition("/")[2]
    if frame.line is not None and frame.line < 0:  # as Java itself marks it
        return "Native Method"
    return (f"{file}:{frame.line}" if frame.line else file) if file else "Unknown Source"
