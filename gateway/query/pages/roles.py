"""Who may change something with a form (pages.md, "Who may")."""

from gateway.query.people import Visitor
from gateway.rejections import Rejection
from shared.users import Role


class LacksRole(Rejection):
    """The visitor may look, and not change this."""

    status = 403
    reason = "role"

    def __init__(self, role: Role) -> None:
        super().__init__(role)
        needed = "an owner" if role == "owner" else f"a {role}"
        self.sentence = f"Only {needed} of the project may do this: sluice user grant makes somebody one"


def check_role(visitor: Visitor, role: Role, project_id: str) -> None:
    """Raises `LacksRole`."""
    if not visitor.may(role, project_id):
        raise LacksRole(role)
