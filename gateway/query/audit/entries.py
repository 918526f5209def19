"""The audit log, a page at a time (reading.md, "Audit log")."""

from typing import Any

import msgspec

from gateway.query.deps import QueryDeps
from gateway.query.parameters import Parameters
from gateway.query.place import NOT_OURS, decode_as, encode_place
from gateway.query.postgres import known
from gateway.query.shape import Time
from gateway.query.times import format_time
from shared.audit import ACTIONS, ALL, KINDS
from shared.audit_log import Entry, Wanted

WHAT = "the audit log"
"""In sentences."""

MEANINGS = {
    "action": "Only these, comma-separated: `key.made`, or `key` for all about keys.",
    "limit": "How many at most.",
    "cursor": "Older ones: from the `Link` header, not to be made up.",
}


class Who(msgspec.Struct, frozen=True):
    """`kind`: user, key, command, sluice or stranger. `id`: of a user or key. `address`: of the client, or a command's
    machine."""

    kind: str
    id: str | None
    name: str
    address: str


class AuditEntry(msgspec.Struct, frozen=True):
    """What was done. `subject`: the id or name of what it was done to; `detail` says more, of a change before and
    after. `all_projects`: it concerns every project."""

    at: Time
    action: str
    subject: str
    by: Who
    all_projects: bool
    detail: dict[str, Any]


class AuditPage(msgspec.Struct, frozen=True):
    """Entries, the newest first. `next`: the `cursor` of older ones; null where there are none."""

    entries: list[AuditEntry]
    next: str | None


def parse_wanted(given: Parameters) -> Wanted:
    """Raises `BadQuery`."""
    wanted = read_wanted(given)
    given.finish()
    return wanted


def read_wanted(given: Parameters, limit: int = 100) -> Wanted:
    """What can't be used becomes an issue of `given`."""
    actions = given.words("action", (*KINDS, *ACTIONS))
    most = given.integer("limit", limit, least=1, most=1000)
    before = given.parsed("cursor", _before, "value_error", "a valid cursor")
    return Wanted(actions=actions, before=before, limit=most)


async def find_audit(deps: QueryDeps, project_id: str, wanted: Wanted) -> AuditPage:
    """What concerns a project. Raises `Unavailable`."""
    one_more = msgspec.structs.replace(wanted, limit=wanted.limit + 1)
    found = await known(deps.audit.of_project(project_id, one_more), WHAT)
    shown = found[: wanted.limit]
    return AuditPage(list(map(_answer, shown)), encode_place(shown[-1].id) if len(found) > wanted.limit else None)


def _before(text: str) -> int:
    entry_id = decode_as(int, text)
    if not 0 < entry_id < 2**63:
        raise ValueError(NOT_OURS)
    return entry_id


def _answer(entry: Entry) -> AuditEntry:
    who = Who(entry.actor_kind, entry.actor_id or None, entry.actor, entry.address)
    at = format_time(round(entry.at.timestamp() * 1_000_000))
    return AuditEntry(at, entry.action, entry.subject, who, entry.project_id == ALL, entry.detail)
