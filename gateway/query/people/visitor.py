"""Who a session belongs to, and what they may do."""

from collections.abc import Mapping

import msgspec

from shared.audit import Actor
from shared.users import ROLES, Role


class Membership(msgspec.Struct, frozen=True):
    """A project that a visitor may look at."""

    project_id: str
    name: str
    role: Role


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """A logged-in user, or the holder of a read key. `id`: of the user or key. `memberships`: project -> what the
    visitor is in it, by name."""

    id: str
    name: str
    is_key: bool
    memberships: Mapping[str, Membership]

    def actor(self, address: str) -> Actor:
        """As the audit log names them."""
        return Actor(kind="key" if self.is_key else "user", id=self.id, name=self.name, address=address)

    def may(self, role: Role, project_id: str) -> bool:
        """Whether the visitor has at least this role in the project."""
        there = self.memberships.get(project_id)
        return there is not None and ROLES.index(there.role) >= ROLES.index(role)
