"""The read API's own refusals, in FastAPI's shape."""

from typing import Any

from gateway.rejections import NotFound, Rejection, Worded

Issue = dict[str, Any]
"""One entry of FastAPI's 422 body: type, loc, msg, input, and ctx where the type has one."""


class BadQuery(Worded):
    """Bad parameters. The body names each of them, with what it should be."""

    status = 422
    reason = "invalid"
    sentence = "Invalid query parameters"

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__({"detail": issues})
        self.issues = issues


class ProjectNotFound(NotFound):
    """There is no such project, or the key is of another one: a stranger must not learn which."""

    sentence = "Project not found"


class EventNotFound(NotFound):
    """The project has no such event yet."""

    sentence = "Event not found"


class LogNotFound(NotFound):
    """The project has no log at this place."""

    sentence = "Log not found: it is no longer kept, or its ref is not one of this project"


class GroupNotFound(NotFound):
    """The project has no error of this group."""

    sentence = "Error group not found"


class TraceNotFound(NotFound):
    """The project has no span of this trace yet."""

    sentence = "Trace not found"


class TooManyTails(Rejection):
    """The key has as many open tails as it may have."""

    status = 429
    reason = "tails"
    retryable = True
    retry_after_s = 5

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.sentence = f"This key has {most} open tails: close one first"


def issue(kind: str, parameter: str, message: str, given: str, **context: Any) -> Issue:
    """An issue of a query parameter, with FastAPI's keys in FastAPI's order."""
    entry: Issue = {"type": kind, "loc": ["query", parameter], "msg": message, "input": given}
    return entry | {"ctx": context} if context else entry
