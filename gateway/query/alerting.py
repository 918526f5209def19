"""What alerts are made of, for routes, pages, and the process that judges them."""

from dataclasses import dataclass, field

from gateway.query.sending import Sender
from gateway.query.turns import turns
from gateway.turns import Turns
from shared.alerts.deliveries import Deliveries
from shared.alerts.rules import Rules


@dataclass(frozen=True)
class AlertDeps:
    """`public_url`: where people open the pages; '' for unknown. `turns`: whose change is next."""

    rules: Rules
    deliveries: Deliveries
    sender: Sender
    public_url: str = ""
    turns: Turns = field(default_factory=turns)
