"""What may happen in the shop, and how often. Each takes a visit and fills it."""

from collections.abc import Callable

from deploy.demo.assistant import ask_assistant
from deploy.demo.checkout import check_out
from deploy.demo.everyday import browse, list_orders, run_job, sign_in
from deploy.demo.visit import Visit

Happening = Callable[[Visit], None]

OFTEN: tuple[tuple[Happening, int], ...] = (
    (browse, 30),
    (check_out, 28),
    (sign_in, 14),
    (list_orders, 10),
    (ask_assistant, 12),
    (run_job, 6),
)
"""Happening -> its weight."""


def happen(visit: Visit) -> None:
    """One of them."""
    (chosen,) = visit.chance.choices([each for each, _ in OFTEN], [weight for _, weight in OFTEN])
    chosen(visit)
