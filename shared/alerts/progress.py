"""How far a rule is judged, and what has been told (alerts.md, "When a rule is judged")."""

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Times are microseconds since the epoch; what arrived before `judged_to` is judged, and never again.

    `told`: what is not told once more: groups, or keys of a budget in `period`. `counted_from`: what arrived before is
    in an alert. `level`: how high it was when it was told, 0 once it is over. `problem`: why the last window could not
    be judged.
    """

    judged_to: int
    fired_at: int | None = None
    told: tuple[str, ...] = ()
    period: str = ""
    counted_from: int = 0
    level: float = 0.0
    problem: str = ""

    @classmethod
    def beginning(cls, now: int) -> "Progress":
        """Of a rule that is new at `now`: what came before is not its business."""
        minute = now - now % MINUTE_US
        return cls(judged_to=minute, counted_from=minute)

    def cools(self, minutes: int, now: int) -> bool:
        """Whether an alert was told less than so many minutes ago."""
        return self.fired_at is not None and now < self.fired_at + minutes * MINUTE_US


MINUTE_US = 60_000_000
