"""Why a rule is not made, or not found."""

from gateway.rejections import NotFound, Rejection
from shared.alerts.rules import MOST_RULES


class RuleNotFound(NotFound):
    """The project has no such rule."""

    sentence = "Alert rule not found"


class NameInUse(Rejection):
    """The project has another rule of this name."""

    status = 409
    reason = "name_in_use"

    def __init__(self, rule_id: str) -> None:
        super().__init__(rule_id)
        self.sentence = f"The project has a rule of this name: choose another one, or PUT {rule_id}"


class TooMany(Rejection):
    """The project may not have more rules."""

    status = 409
    reason = "too_many_rules"
    sentence = f"The project has {MOST_RULES} alert rules, the most that it may have: delete some"
