""".NET: the header of an inner exception stands behind the outer one's, its frames before the outer one's."""

from shared.formats.sentry.exceptions import Frame, Thrown

_END = "   --- End of inner exception stack trace ---"


def printed(thrown: Thrown) -> str:
    chain = list(thrown.all())
    heads = "\n ---> ".join(each.header or "Exception" for each in chain)
    lines = [_line(frame) for frame in reversed(chain[-1].frames)]
    for each in reversed(chain[:-1]):
        lines += [_END, *(_line(frame) for frame in reversed(each.frames))]
    return "\n".join([heads, *lines])


def _line(frame: Frame) -> str:
    function = ".".join(filter(None, (frame.module, frame.function)))
    call = function if "(" in function else f"{function}()"
    if not frame.file:
        return f"   at {call}"
    return f"   at {call} in {frame.file}" + (f":line {frame.line}" if frame.line else "")
