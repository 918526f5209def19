"""What the read API refuses, on top of `gateway.rejections`."""

from typing import Any

from gateway.rejections import NotFound, Worded

Issue = dict[str, Any]
"""One entry of FastAPI's 422 body: type, loc, msg, input, and ctx where the type has one."""


class BadQuery(Worded):
    """Parameters that can't be used; all of them are named, each with what it must be."""

    status = 422
    reason = "invalid"
    sentence = "Invalid query parameters"

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__({"detail": issues})
        self.issues = issues


class ProjectNotFound(NotFound):
    """There is no such project, or it is not the key's: a stranger must not learn which."""

    sentence = "Project not found"


class EventNotFound(NotFound):
    """The project has no such event, or not yet."""

    sentence = "Event not found"


def issue(kind: str, parameter: str, message: str, given: str, **context: Any) -> Issue:
    """An entry about a query parameter, with FastAPI's keys in FastAPI's order."""
    entry: Issue = {"type": kind, "loc": ["query", parameter], "msg": message, "input": given}
    return entry | {"ctx": context} if context else entry
