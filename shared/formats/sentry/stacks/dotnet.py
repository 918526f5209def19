""".NET: the header of an inner exception stands behind the outer one's, its frames before the outer one's."""

import re

from shared.formats.sentry.exceptions import Frame, Thrown

_END = "   --- End of inner exception stack trace ---"
_LAMBDA = " { <lambda> }"
_GENERICS = re.compile(r"(?<=\w)<[^<>]*>")
_DEEPEST = 3
"""Type arguments within type arguments that are taken off."""


def printed(thrown: Thrown) -> str:
    chain = list(thrown.all())
    heads = "\n ---> ".join(each.header or "Exception" for each in chain)
    lines = [_line(frame) for frame in reversed(chain[-1].frames)]
    for each in reversed(chain[:-1]):
        lines += [_END, *(_line(frame) for frame in reversed(each.frames))]
    return "\n".join([heads, *lines])


def _line(frame: Frame) -> str:
    call = ".".join(filter(None, (frame.module, _called(frame.function))))
    return f"   at {call} in {frame.file}:line {frame.line or 0}" if frame.file else f"   at {call}"


def _called(function: str) -> str:
    """`Shop.Cart.Total(string who)`: the SDK also sends return type, type arguments and what is behind the arguments,
    `Task<int> Shop.Cart.Total<T>(string who)+() => { }`, or no arguments."""
    head, _, rest = function.removesuffix(_LAMBDA).partition("(")
    for _ in range(_DEEPEST):
        head = _GENERICS.sub("", head)
    name = head.strip().rpartition(" ")[2]
    return f"{name}({rest.partition(')')[0]})" if name else function
