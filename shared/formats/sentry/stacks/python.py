"""Python: the first cause first, what was caught last; the innermost frame last. Groups with their margins."""

from collections.abc import Iterator

from shared.formats.sentry.exceptions import Frame, Thrown

_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_DEEPEST = 10
"""Groups within groups that Python itself prints."""


def printed(thrown: Thrown) -> str:
    return "\n".join(_chain(thrown, 0))


def _chain(thrown: Thrown, depth: int) -> Iterator[str]:
    """`depth`: in how many groups it is."""
    margin = f"{'  ' * depth}| " if depth else ""
    chain = thrown.chain()[::-1]
    for each, caused in zip(chain, [*chain[1:], None], strict=True):
        yield from _group(each, depth) if each.inside else (margin + line for line in _plain(each))
        if caused is not None:
            yield from (margin, margin + (_CONTEXT if each.is_context else _CAUSE), margin)


def _plain(thrown: Thrown) -> Iterator[str]:
    if thrown.frames:
        yield "Traceback (most recent call last):"
    yield from _body(thrown)


def _body(thrown: Thrown) -> Iterator[str]:
    for frame in thrown.frames:
        yield from _lines(frame)
    yield from (thrown.header or "Error").split("\n")


def _group(thrown: Thrown, depth: int) -> Iterator[str]:
    margin = "  " * max(depth, 1)
    yield f"{margin}{'|' if depth else '+'} Exception Group Traceback (most recent call last):"
    yield from (f"{margin}| {line}" for line in _body(thrown))
    if depth >= _DEEPEST:
        yield f"{margin}| ... (max_group_depth is {_DEEPEST})"
        return
    depth = max(depth, 1)
    for number, each in enumerate(thrown.inside, 1):
        yield f"{margin}{'+-' if number == 1 else '  '}+---------------- {number} ----------------"
        yield from _chain(each, depth + 1)
    if not thrown.inside[-1].inside:  # else the end of that one is the end of all
        yield f"{margin}  +------------------------------------"


def _lines(frame: Frame) -> Iterator[str]:
    file = frame.file or frame.module or "<unknown>"
    yield f'  File "{file}", line {frame.line or 0}, in {frame.function or "<module>"}'
    if source := frame.source.strip():
        yield f"    {source}"
