"""A rule as a request or a form brings it (alerts.md, "A rule")."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.query.alerts.asking import LANGUAGES
from gateway.query.alerts.judging.cost import dimension_of
from gateway.query.dimensions import MAX_PARTS
from gateway.query.language import TooLong
from gateway.query.refusals import BadQuery
from gateway.query.sending.address import Allowed, BadAddress
from gateway.rejections import InvalidBody
from shared.alerts.rule import PARAMETERS, USES, Channel, Kind, Period, Rule, Signal

MAX_COOLDOWN = 24 * 60

_LINE = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$(?!\n)"
"""One line, without space at its ends."""

_REST = ("name", "kind", "cooldown", "enabled", "channel")

_NO_NUL = r"^[^\x00]*$(?!\n)"
_Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=_LINE, description="Unique in the project.")]
_Text = Annotated[str, Meta(max_length=200, pattern=_NO_NUL)]
_Minutes = Annotated[int, Meta(ge=1, le=MAX_COOLDOWN)]
_Secret = Annotated[str, Meta(min_length=16, max_length=200, pattern=r"^[!-~]+$(?!\n)")]


class RuleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`each`: the key of an attribute; every value of it has the budget. `cooldown`: minutes. `url` may be left out
    where a rule has one, `secret` always: then it stays as it is, and a new webhook gets one."""

    name: _Name
    kind: Kind
    signal: Signal | None = None
    q: Annotated[str, Meta(max_length=2_048, pattern=_NO_NUL)] | None = None
    service: _Text | None = None
    environment: _Text | None = None
    count: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    minutes: _Minutes | None = None
    usd: Annotated[float, Meta(gt=0, le=1e9)] | None = None
    period: Period | None = None
    each: _Text | None = None
    cooldown: _Minutes = 60
    enabled: bool = True
    channel: Channel = "webhook"
    url: Annotated[str, Meta(max_length=2_000)] | None = None
    secret: _Secret | None = None

    def check(self, allowed: Allowed, *, is_new: bool) -> None:
        """Raises `InvalidBody` for what does not go together."""
        found = [*self._parameters(), *self._query(), *self._address(allowed, is_new=is_new)]
        if found:
            raise InvalidBody({"detail": [_issue(name, message) for name, message in found]})

    @classmethod
    def of(cls, rule: Rule, **changed: Any) -> "RuleBody":
        """A rule as a request would bring it, with some of it changed. Its address and secret stay as they are."""
        given = {name: getattr(rule, name) or None for name in PARAMETERS}
        rest = {name: getattr(rule, name) for name in _REST}
        return cls(**{**given, **rest, **changed})

    @property
    def rule(self) -> Rule:
        given = {name: value for name in PARAMETERS if (value := getattr(self, name)) is not None}
        rest = {name: getattr(self, name) for name in _REST}
        return Rule(**given, **rest)

    def _parameters(self) -> Iterator[tuple[str, str]]:
        uses = USES[self.kind]
        for name in PARAMETERS:
            given = getattr(self, name) not in (None, "")
            if name in uses.needs and not given:
                yield name, f"a rule of the kind {self.kind} needs it"
            if given and name not in (*uses.needs, *uses.may):
                yield name, f"a rule of the kind {self.kind} does not have it"

    def _query(self) -> Iterator[tuple[str, str]]:
        signal = self.signal or ("llm" if self.kind == "llm_cost" else "errors")
        try:
            LANGUAGES[signal].parse(self.q or "")
        except TooLong as error:
            yield "q", str(error)
        try:
            dimension_of(self.each or "key")
        except BadQuery:
            yield "each", f"write the key of one attribute, without commas and of at most {MAX_PARTS} parts"

    def _address(self, allowed: Allowed, *, is_new: bool) -> Iterator[tuple[str, str]]:
        if self.secret and self.channel == "slack":
            yield "secret", "Slack checks none: leave it out"
        if not self.url:
            if is_new:
                yield "url", "say where alerts go"
            return
        try:
            allowed.check(self.url)
        except BadAddress as error:
            yield "url", str(error)


def _issue(name: str, message: str) -> dict[str, object]:
    return {"type": "value_error", "loc": ["body", name], "msg": f"Value error, {message}", "input": None}
