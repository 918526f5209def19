"""Settings, Audit log: who changed what; owners see it (pages.md, "Settings")."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.query.audit.entries import AuditEntry, find_audit, read_wanted
from gateway.query.pages.page import Page
from gateway.query.pages.view import View
from shared.audit import KINDS

SHOWN = 50

_WHO = {"command": "command line", "sluice": "Sluice", "stranger": "nobody known"}
"""In words where it is neither a user nor a key."""

_ABOUT = {
    "project": "the project",
    "key": "keys",
    "user": "users and roles",
    "session": "log-ins",
    "view": "views",
    "alert": "alert rules",
    "rules": "grouping rules",
    "groups": "merged groups",
    "sourcemaps": "source maps",
    "queue": "replays",
    "letters": "dead letters",
}


_CHANGES = ("project.changed", "user.role")
"""Of these a field has its value before and after."""


class Row(NamedTuple):
    """`at`: as the API writes it. `action`: `key made`."""

    at: str
    action: str
    subject: str
    name: str
    kind: str
    address: str
    detail: str
    all_projects: bool


async def _find(view: View) -> Mapping[str, Any]:
    wanted = read_wanted(view.given, SHOWN)
    view.finish()
    is_owner = view.visitor.may("owner", view.project.project_id)
    page = await find_audit(view.deps, view.project.project_id, wanted) if is_owner else None
    return {
        "is_owner": is_owner,
        "rows": [_row(entry) for entry in page.entries] if page else [],
        "chosen": ",".join(wanted.actions),
        "choices": {kind: _ABOUT.get(kind, kind) for kind in KINDS},
        "older": view.here(cursor=page.next) if page and page.next else "",
        "newest": view.here(cursor=None) if wanted.before is not None else "",
    }


def _row(entry: AuditEntry) -> Row:
    by = entry.by
    name = by.name or _WHO.get(by.kind, by.id or by.kind)
    between = " → " if entry.action in _CHANGES else ", "
    given = {name.replace("_", " "): value for name, value in entry.detail.items() if value is not None}
    detail = ", ".join(f"{name}: {_said(value, between)}" for name, value in given.items())
    action = entry.action.replace(".", " ")
    return Row(entry.at, action, entry.subject, name, by.kind, by.address, detail, entry.all_projects)


def _said(value: Any, between: str = ", ") -> str:
    """A value as people read it. `between`: what stands between the values of a list."""
    match value:
        case None | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{name} {_said(each)}" for name, each in value.items())
        case list():
            return between.join(map(_said, value)) or "none"
    return str(value)


AUDIT = Page("settings/audit", "settings/audit.html", _find, for_agents=True)
