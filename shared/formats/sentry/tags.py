"""Pairs of names and values, which SDKs send as an object or as a list of pairs: tags, headers."""

from collections.abc import Iterator

import msgspec

from shared.formats.sentry.reading import NOTHING, array, fields, text


def pairs(raw: msgspec.Raw | None) -> Iterator[tuple[str, msgspec.Raw]]:
    listed = array(raw)
    if listed is None:
        yield from fields(raw).items()
        return
    for each in listed:
        pair = array(each) or ()
        if len(pair) == 2:
            yield text(pair[0]), pair[1]


def said(raw: msgspec.Raw | None, name: str) -> str:
    """The text of that name, in any case; '' for none."""
    return text(next((value for key, value in pairs(raw) if key.lower() == name), NOTHING))
