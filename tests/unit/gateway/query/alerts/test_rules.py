"""Rules as people write them: in a body, and in the form of a page (alerts.md, "A rule")."""

from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gateway.query.alerts.body import RuleBody
from gateway.query.alerts.post import WAITS, after
from gateway.query.pages.settings.alert_form import AlertForm, BadForm, body_of, form_of, new_form, problems_of
from gateway.query.pages.settings.alert_rows import KIND_TEXTS, sent_of, what
from gateway.query.pages.zone import write_in, zone_named
from gateway.query.sending.address import Allowed
from gateway.rejections import InvalidBody
from shared.alerts.alert import Alert, Delivery, Try
from shared.alerts.rule import KINDS, USES, Rule

URL = "https://hooks.example.com/t/secret"
VALUES: dict[str, Any] = {
    "signal": "logs",
    "service": "s",
    "count": 1,
    "minutes": 1,
    "usd": 1234567.89,
    "period": "month",
}


def faults(**body: Any) -> list[str]:
    try:
        msgspec.convert({"name": "n", "url": URL, **body}, RuleBody).check(Allowed(), is_new=True)
    except InvalidBody as error:
        return [each["loc"][1] for each in error.answer["detail"]]
    return []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_needs_its_parameters_and_has_no_others(kind: str) -> None:
    uses = USES[kind]  # type: ignore[index]
    whole = {name: VALUES[name] for name in uses.needs}
    assert faults(kind=kind, **whole) == []
    for name in uses.needs:
        assert faults(kind=kind, **whole | {name: None}) == [name]
    others = {"each": "user", "q": "a", "environment": "e", **VALUES}
    for name in others.keys() - {*uses.needs, *uses.may}:
        assert faults(kind=kind, **whole, **{name: others[name]}) == [name]


def test_a_budget_is_for_each_value_of_one_attribute() -> None:
    budget = {"kind": "llm_cost", "usd": 1, "period": "day"}
    assert faults(**budget, each="user.id") == []
    for each in (",", "a,b", " ", "a" + ".a" * 51):
        assert faults(**budget, each=each) == ["each"]


def test_an_address_a_query_and_a_secret_are_checked() -> None:
    lag = {"kind": "lag", "minutes": 5}
    assert faults(**lag, url=None) == ["url"]
    assert faults(**lag, url="http://example.com/") == ["url"]
    assert faults(**lag, channel="slack", secret="s" * 16) == ["secret"]
    assert faults(kind="new_group", q=" ".join("a" * 51)) == ["q"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_shows_and_makes_the_same_rule(kind: str) -> None:
    rule = Rule(name="n", kind=kind, **{name: VALUES[name] for name in USES[kind].needs})  # type: ignore[arg-type, index]
    assert body_of(form_of("id", rule)).rule == rule
    assert RuleBody.of(rule).rule == rule
    assert RuleBody.of(rule, enabled=False).rule.enabled is False
    assert what(rule)
    assert kind in KIND_TEXTS


def test_a_form_says_what_is_wrong_with_a_field() -> None:
    form = new_form("matches")
    for given, field in (({"count": "x"}, "count"), ({"name": "n", "count": "0"}, "count"), ({"name": ""}, "name")):
        with pytest.raises(BadForm) as raised:
            body_of(AlertForm("matches", {**form.given, **given}))
        assert list(raised.value.problems) == [field]
    with pytest.raises(InvalidBody) as refused:
        body_of(AlertForm("llm_cost", {"name": "n", "period": "day"})).check(Allowed(), is_new=True)
    assert problems_of(refused.value) == {
        "usd": "Write US dollars, more than 0 and at most 1,000,000,000.",
        "url": "Say where alerts go.",
    }


def test_the_next_try_is_told_in_the_zone_of_whoever_looks() -> None:
    at = datetime(2026, 11, 26, 10, tzinfo=UTC)
    delivery = Delivery("d", at, Alert(title="t", text="", path="/", at=""), "waiting", [], at)

    def shown() -> list[str]:
        write_in(zone_named("Asia/Tokyo"))
        return sent_of(delivery).tries

    assert copy_context().run(shown) == ["next try 19:00:00"]


def test_there_are_six_tries_with_growing_waits() -> None:
    now = datetime.now(UTC)
    failed, taken = Try(now, 500, "answered 500"), Try(now, 204, "")
    waits = [after(n, failed, now)[1] - now for n in range(1, 6)]
    assert waits == sorted(WAITS)
    assert after(6, failed, now)[0] == "failed"
    assert {after(n, taken, now)[0] for n in (1, 6)} == {"delivered"}
