"""What forms say is to be done with errors, and the words that errors stand out by."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.query.pages.act import body_of
from gateway.query.pages.page import filled
from gateway.query.pages.tags import NEW_US, is_rising, tags
from gateway.query.range import Range
from gateway.query.refusals import BadQuery
from gateway.query.triage.body import StateBody
from shared.error_states import Limit

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY = Range(0, 2 * NEW_US)
EVEN = [1] * 24


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"do": "open"}, StateBody("open")),
        ({"do": "resolve", "in_release": "not asked"}, StateBody("resolved")),
        ({"do": "resolve-in", "in_release": " web@2 "}, StateBody("resolved", in_release="web@2")),
        ({"do": "mute", "count": "x", "hours": ""}, StateBody("muted")),
        ({"do": "mute-until", "count": "100", "minutes": "60"}, StateBody("muted", until=Limit(100, 60))),
        ({"do": "mute-for", "hours": "24"}, StateBody("muted", until_time=NOW + timedelta(days=1))),
        ({"do": "assign", "assignee": "Bob"}, StateBody(assignee="Bob")),
        ({"do": "assign", "assignee": "  "}, StateBody(assignee=None)),
        ({"do": "assign-me", "assignee": "Bob"}, StateBody(assignee="Ann")),
        ({"do": "note", "note": "a\r\nb"}, StateBody(note="a\nb")),
    ],
)
def test_a_button_is_a_change(fields: dict[str, str], body: StateBody) -> None:
    made = body_of(fields, "Ann", NOW)
    made.check(NOW)
    assert made == body


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "do"),
        ({"do": "delete"}, "do"),
        ({"do": "resolve-in"}, "in_release"),
        ({"do": "resolve-in", "in_release": ""}, "in_release"),
        ({"do": "resolve-in", "in_release": "a\x00b"}, "in_release"),
        ({"do": "mute-until", "count": "0", "minutes": "60"}, "count"),
        ({"do": "mute-until", "count": "1", "minutes": "9999"}, "minutes"),
        ({"do": "mute-until", "count": "many", "minutes": "1"}, "count"),
        ({"do": "mute-for", "hours": "0"}, "hours"),
        ({"do": "mute-for", "hours": "²"}, "hours"),
        ({"do": "mute-for", "hours": "99999"}, "hours"),
        ({"do": "assign", "assignee": "x" * 201}, "assignee"),
        ({"do": "note", "note": " "}, "note"),
    ],
)
def test_what_can_not_be_done_names_the_field_and_what_to_write(fields: dict[str, str], named: str) -> None:
    with pytest.raises(BadQuery) as refused:
        body_of(fields, "Ann", NOW)
    (issue,) = refused.value.issues
    assert issue["loc"] == ["query", named]
    assert "write " in issue["msg"]


@pytest.mark.parametrize(
    ("state", "trend", "first", "words"),
    [
        (("open", None), EVEN, DAY.end - NEW_US, ["new"]),
        (("open", None), EVEN, DAY.end - NEW_US - 1, []),
        (("open", None), EVEN, None, []),
        (("open", None), [*[1] * 18, *[3] * 6], 0, ["rising"]),
        (("open", None), [*[1] * 18, *[3] * 6], DAY.end, ["new"]),
        (("open", "regressed"), EVEN, DAY.end, ["regressed"]),
        (("open", "limit"), [*[1] * 18, *[3] * 6], 0, ["over its limit", "rising"]),
        (("resolved", None), EVEN, DAY.end, ["resolved"]),
        (("muted", None), EVEN, 0, ["muted"]),
    ],
)
def test_words_of_a_group(state: tuple[str, str | None], trend: list[int], first: int | None, words: list[str]) -> None:
    assert [tag.text for tag in tags(state, trend, first, DAY)] == words


def test_a_group_is_new_only_within_the_range() -> None:
    assert tags(("open", None), EVEN, 10, Range(11, 20)) == []
    assert [tag.css for tag in tags(("open", None), EVEN, 11, Range(11, 20))] == ["new"]


def test_few_errors_do_not_rise() -> None:
    assert not is_rising([0] * 23 + [9])
    assert is_rising([0] * 23 + [10])
    assert not is_rising([2] * 18 + [4] * 6)


def test_a_path_is_filled() -> None:
    assert filled("errors/{fingerprint}", {"fingerprint": "{x}"}) == "errors/{x}"
    assert filled("traces/{trace_id:path}/x", {"trace_id": "a/b"}) == "traces/a/b/x"
