"""What the project may send, and what this minute has used of it (pages.md, "Ingest")."""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.query.pages.view import View
from gateway.query.postgres import known
from gateway.query.settings import WHAT
from gateway.query.usage.limits import KeyLimit, Limits

MOST_KEYS = 20


class KeyRow(NamedTuple):
    """`share`: how much of the limit is used, percent; None where that is not known."""

    name: str
    prefix: str
    limit: KeyLimit
    share: float | None


class Limited(NamedTuple):
    """`keys`: the fullest ones, for those who may see keys. `fullest`: for everybody. `more`: how many keys are not
    shown."""

    limits: Limits
    keys: list[KeyRow]
    fullest: KeyLimit | None
    more: int


async def limited(view: View, limits: Limits) -> Limited:
    """Raises `Unavailable`."""
    ordered = sorted(limits.keys, key=lambda key: -_share(key))
    shown: list[KeyRow] = []
    if view.visitor.may("owner", view.project.project_id):
        names = await _names(view)
        for key in ordered[:MOST_KEYS]:
            share = None if key.this_minute is None else min(100.0, _share(key))
            shown.append(KeyRow(*names.get(key.key_id, (key.key_id, "")), key, share))
    fullest = next((key for key in ordered if key.this_minute is not None), None)
    return Limited(limits, shown, fullest, len(ordered) - len(shown))


def _share(key: KeyLimit) -> float:
    if key.this_minute is None:
        return -1.0
    return round(key.this_minute / key.requests_a_minute * 100, 2)


async def _names(view: View) -> Mapping[str, tuple[str, str]]:
    """Key -> its name and how it begins."""
    found = await known(view.deps.known_settings.keys.of_project(view.project.project_id), WHAT)
    return {key.id: (getattr(key, "name", ""), key.prefix) for key in found}
