"""Messages that a runtime makes itself: one class each, whatever words an engine or a version chose."""

import re
from collections.abc import Sequence
from typing import NamedTuple


class MessageClass(NamedTuple):
    """How one kind of message is told."""

    needle: str
    """A text that each such message holds: looked for first, as it costs next to nothing."""
    pattern: re.Pattern[str]
    """Its group is the name that tells two of the kind apart."""
    name: str
    type: str
    """The error's type, for engines that print none; '' where it differs."""


def kind(needle: str, expression: str, name: str, type_name: str = "") -> MessageClass:
    return MessageClass(needle, re.compile(expression), name, type_name)


def class_of(message: str, classes: Sequence[MessageClass]) -> tuple[str, str]:
    """(class and name, type); ('', '') for a message that the program wrote."""
    for each in classes:
        if each.needle in message and (found := each.pattern.search(message)):
            said = found.group(1) if each.pattern.groups else None
            name = "" if said in (None, "undefined", "null") else f" {said}"
            return each.name + name, each.type
    return "", ""
