"""Who looks at the pages: log-in and sessions (pages.md, "Who may")."""

from gateway.query.people.attempts import Attempts
from gateway.query.people.people import People
from gateway.query.people.sessions import Sessions
from gateway.query.people.visitor import Membership, Visitor

__all__ = ["Attempts", "Membership", "People", "Sessions", "Visitor"]
