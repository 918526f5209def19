"""Lines and columns as most languages print them: `file:12:3`."""

import re

from shared.fingerprint.v2.model import Place

_POSITION = re.compile(r":(?:line )?(\d{1,9})(?::(\d{1,9}))?$")


def placed(function: str, printed: str) -> Place:
    """The place of a function in `file`, `file:line` or `file:line:column`; .NET says `file:line 12`."""
    found = _POSITION.search(printed)
    if found is None:
        return Place(function, printed)
    return Place(function, printed[: found.start()], int(found[1]), int(found[2] or 0))
