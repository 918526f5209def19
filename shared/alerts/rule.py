"""When people are told of something (alerts.md, "A rule")."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import msgspec

from shared.secret import Secret

Kind = Literal["new_group", "regressed_group", "matches", "llm_cost", "silence", "dead_letters", "lag"]
Signal = Literal["logs", "errors", "traces", "llm"]
Period = Literal["day", "month"]
Channel = Literal["webhook", "slack"]

KINDS: tuple[Kind, ...] = get_args(Kind)
SIGNALS: tuple[Signal, ...] = get_args(Signal)
PERIODS: tuple[Period, ...] = get_args(Period)
CHANNELS: tuple[Channel, ...] = get_args(Channel)


class Uses(NamedTuple):
    """The parameters that a kind has: those it must be given, and those it may."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


USES: Mapping[Kind, Uses] = {
    "new_group": Uses(may=("q", "environment")),
    "regressed_group": Uses(may=("q", "environment")),
    "matches": Uses(("signal", "count", "minutes"), ("q", "environment")),
    "llm_cost": Uses(("usd", "period"), ("q", "each", "environment")),
    "silence": Uses(("service", "minutes"), ("environment",)),
    "dead_letters": Uses(("count",)),
    "lag": Uses(("minutes",)),
}

PARAMETERS = ("signal", "q", "service", "environment", "count", "minutes", "usd", "period", "each")
"""Of all kinds."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is judged, and how often it is told. `each`: the attribute whose values have a budget each. `cooldown`:
    minutes after an alert in which there is no other one. A parameter that its kind does not have is unset."""

    name: str
    kind: Kind
    signal: Signal | None = None
    q: str = ""
    service: str = ""
    environment: str = ""
    count: int | None = None
    minutes: int | None = None
    usd: float | None = None
    period: Period | None = None
    each: str = ""
    cooldown: int = 60
    enabled: bool = True
    channel: Channel = "webhook"

    @property
    def asks(self) -> tuple[object, ...]:
        """What it judges. What was judged before a change of it does not count any more."""
        return (self.kind, self.enabled, *(getattr(self, name) for name in PARAMETERS))


class Target(NamedTuple):
    """Where alerts go. `secret`: signs them; empty for Slack."""

    url: Secret
    secret: Secret
