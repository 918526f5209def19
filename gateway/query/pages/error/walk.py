"""From one error of a group to the next older and newer one (pages.md, "One error")."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.asked import Asked
from gateway.query.errors.events import SORTS, ErrorEvents, EventsQuery, find_events
from gateway.query.pages.view import View
from gateway.query.paging import Cursor, Paging
from gateway.query.place import Place
from gateway.query.together import together

LIST = 20
"""Errors of the list."""


class Walk(NamedTuple):
    """`number`: which one it is, the newest is 1; None where that isn't known. `newer`, `older`: event ids; '' for
    none."""

    number: int | None
    newer: str
    older: str


async def walk_from(
    view: View, asked: Asked, fingerprint: str, event_id: str, place: Place, listed: ErrorEvents, *, is_first: bool
) -> Walk:
    """`listed`: a page of the events that `asked` finds; `is_first`: of the newest ones. Who is not on it, or at its
    edge, is asked for."""
    ids = [event.event_id for event in listed.events]
    n = ids.index(event_id) if event_id in ids else None
    newer, older = _beside(ids, n, listed)

    async def ask(*, back: bool) -> str:
        query = EventsQuery(asked, fingerprint, Paging(SORTS[0], 1, Cursor("time", back, 0, place)))
        found = await find_events(view.deps.groups, view.deps.reader, view.project.project_id, query)
        return found.events[0].event_id if found.events else ""

    if newer is None or older is None:
        newer, older = await together(ask(back=True), ask(back=False))
    return Walk(n + 1 if is_first and n is not None else None, newer or "", older or "")


def _beside(ids: Sequence[str], n: int | None, listed: ErrorEvents) -> tuple[str | None, str | None]:
    """The ids beside the `n`th; None where the list doesn't say."""
    if n is None:
        return None, None
    newer = ids[n - 1] if n else None if listed.previous else ""
    older = ids[n + 1] if n + 1 < len(ids) else None if listed.next else ""
    return newer, older
